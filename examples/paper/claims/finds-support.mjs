import { changedAndSupported, controls } from '../measure.mjs';
import { atLeast, atMost, percent, total } from '../rules.mjs';

/** Power and false discoveries against the known truth: which weights training changed. */
export const findsSupport = {
  title: 'A test against the law of initialisation finds what training supports',
  why:
    'The error rate is as promised, but most weights move by a fraction of their initial spread, which no test of a ' +
    'single weight can see. That a test does not reject is no evidence of absence.',
  kinds: ['ideal', 'digits'],
  async measure(net, put) {
    for (const control of controls) {
      const hidden = (await changedAndSupported(net, control)).slice(0, 2);
      const found = total(hidden, (family) => family.found);
      const common = total(hidden, (family) => family.common);
      const changed = total(hidden, (family) => family.changed);
      const power = percent(common, changed);
      put(`${control}: changed weights of fc1 and fc2 that are found`, power, '%', atLeast(80, '%'));
      const rule = control === 'bh' ? atMost(5, '%') : undefined;
      put(`${control}: false ones among the found`, percent(found - common, found), '%', rule);
    }
  },
};
