/** Rules that a measurement must keep for every seed. */
export const atLeast = (bound, unit = '') => ({ text: `>= ${bound} ${unit}`, holds: (value) => value >= bound });
export const atMost = (bound, unit = '') => ({ text: `<= ${bound} ${unit}`, holds: (value) => value <= bound });
export const exactly = (bound) => ({ text: `= ${bound}`, holds: (value) => value === bound });

/** Sum of what `of` gives. */
export const total = (list, of) => list.reduce((sum, item) => sum + of(item), 0);

/** part / whole in percent; 0 of nothing. */
export const percent = (part, whole) => (whole === 0 ? 0 : (100 * part) / whole);
