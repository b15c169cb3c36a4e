import type { Schedule } from './schedule.js';

/** Schedules kept; the one that was used longest ago goes first. */
const capacity = 8;

/** The schedules of the last few bindings. */
export class ScheduleCache {
  readonly #schedules = new Map<string, Schedule>();

  /** The schedule under `key`, made by `make` when it is not there. */
  get(key: string, make: () => Schedule): Schedule {
    const known = this.#schedules.get(key);
    const schedule = known ?? make();
    if (known) this.#schedules.delete(key);
    else if (this.#schedules.size >= capacity) this.#schedules.delete(this.#schedules.keys().next().value!);
    this.#schedules.set(key, schedule);
    return schedule;
  }
}
