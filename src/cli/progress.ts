import { plain } from '../report/plain.js';

/** Where a long command stands: the stage, and how far it is where that is known. */
export interface ProgressEvent {
  readonly stage: string;
  readonly done?: number;
  readonly total?: number;
}

/** One line on stderr that is overwritten in place; silent where stderr is no terminal. */
export class ProgressLine {
  private shown = '';

  constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {}

  readonly update = ({ stage, done, total }: ProgressEvent): void => {
    const text = plain(total ? `${stage} ${done ?? 0}/${total}` : stage).slice(0, (this.stream.columns ?? 80) - 1);
    if (!this.stream.isTTY || text === this.shown) return;
    this.stream.write(`\r${text.padEnd(this.shown.length)}`);
    this.shown = text;
  };

  /** Clears the line. */
  end(): void {
    if (this.shown) this.stream.write(`\r${' '.repeat(this.shown.length)}\r`);
    this.shown = '';
  }
}
