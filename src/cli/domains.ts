/** What a loss takes for a parameter, and how that is told. */

/** What a loss takes for a parameter: numbers between two ends, words, or both. */
export interface Domain {
  /** Absent where it depends on the input. */
  default?: number | string | boolean | null;
  min?: number;
  max?: number;
  /** Whether the ends are left out. */
  minExcluded?: boolean;
  maxExcluded?: boolean;
  whole?: boolean;
  /** A number that is taken although it lies below min. */
  also?: number;
  /** Whether a list with one number per class is taken too. */
  perClass?: boolean;
  words?: readonly string[];
  /** What has to be given beside it, by option. */
  beside?: Readonly<Record<string, string>>;
}

const LARGEST = 3.4028234663852886e38;
const SMALLEST = 1.1754943508222875e-38;

export const between = (preset: number, min: number, max: number): Domain => ({ default: preset, min, max });
export const oneOf = (...words: string[]): Domain => ({ default: words[0], words });

export const flag: Domain = { default: false, words: ["true", "false"] };
export const exponent = (preset: number): Domain => between(preset, 0, 1000);
export const steepness: Domain = between(1, 0.001, 1000);
export const share = (preset: number): Domain => between(preset, 0, 1);
export const size = (preset: number): Domain => between(preset, 0, LARGEST);
export const bend: Domain = between(0.02, SMALLEST, LARGEST);

/** A weight of positives, or of rows by their label. */
export const weight = (preset: number): Domain => ({ ...between(preset, 0, LARGEST), perClass: true });
export const noWeight: Domain = { ...weight(0), default: null, words: ["none"] };
/** A weight of positives that leaves the rest of 1 to negatives. */
export const balance = (preset: number | null): Domain => ({
  ...share(0),
  default: preset,
  perClass: true,
  words: ["none"],
});

const whole = (min: number, max: number): Domain => ({ min, max, whole: true });
export const regions = (preset: number): Domain => ({ ...whole(1, 256), default: preset, words: ["auto"] });
export const classes = (max: number): Domain => whole(1, max);
export const label: Domain = { ...whole(-(2 ** 31), 2 ** 31 - 1), default: -100 };
export const divisor: Domain = {
  default: "count",
  min: SMALLEST,
  max: Number.MAX_VALUE,
  words: ["count", "positives"],
};

/** A number that is long to so many digits: 3.4e38. */
function short(value: number, digits = 2): string {
  const text = String(value);
  return text.length <= 11 ? text : value.toPrecision(digits).replace("+", "");
}

/** A default as it would be given; "" where it depends on the input. */
export function showDefault({ default: preset }: Domain): string {
  if (preset === null) return "none";
  return typeof preset === "number" ? short(preset, 6) : `${preset ?? ""}`;
}

/** What may be given: `[0, 1], one per class, none`. */
export function showDomain(domain: Domain): string {
  const { min, max, whole, also } = domain;
  const parts: string[] = [];
  if (also !== undefined) parts.push(short(also));
  if (min !== undefined && max !== undefined) {
    const [open, close] = [domain.minExcluded ? "(" : "[", domain.maxExcluded ? ")" : "]"];
    parts.push(`${whole ? "whole in " : ""}${open}${short(min)}, ${short(max)}${close}`);
  }
  if (domain.perClass) parts.push("one per class");
  const beside = Object.entries(domain.beside ?? {}).map(([option, value]) => `with --${option} ${value}`);
  return [...parts, ...(domain.words ?? []), ...beside].join(", ");
}
