/** Values as files hold them, turned into what a loss takes. */

/** Values as a reader hands them on: bool comes as Uint8Array, 64-bit integers as Float64Array. */
export type Values =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array;

/** Whose values they are, for a message; `first` is the place of the first one in the file. */
export interface Origin {
  role: string;
  name: string;
  first: number;
}

export type Labels = Int32Array | Uint16Array | Uint8Array;

export const toFloats = (values: Values): Float32Array =>
  values instanceof Float32Array ? values : new Float32Array(values);

export const toTargets = (values: Values): Float32Array | Uint8Array =>
  values instanceof Uint8Array ? values : toFloats(values);

/** The flags of a mask: whatever is not zero is valid. */
export function toMask(values: Values, { role, name, first }: Origin): Uint8Array {
  if (values instanceof Uint8Array) return values;
  const mask = new Uint8Array(values.length);
  for (let i = 0; i < mask.length; i++) {
    if (Number.isNaN(values[i])) {
      throw new RangeError(
        `Cannot read ${role} from ${name}: expected a number, got NaN at index ${first + i}`,
      );
    }
    mask[i] = values[i] === 0 ? 0 : 1;
  }
  return mask;
}

/**
 * Fills `out` with whole numbers. Floats are taken where they are whole; where the mask of their row is 0 anything is,
 * and becomes 0.
 */
function toWhole<T extends Int32Array | Uint32Array>(
  out: T,
  values: Values,
  { role, name, first }: Origin,
  range: string,
  mask?: Uint8Array,
): T {
  const width = mask ? values.length / mask.length : 1;
  for (let i = 0; i < out.length; i++) {
    if (mask?.[Math.floor(i / width)] === 0) continue;
    out[i] = values[i];
    if (out[i] === values[i]) continue;
    throw new RangeError(
      `Cannot read ${role} from ${name}: expected whole numbers from ${range}, got ${values[i]} at index ${first + i}`,
    );
  }
  return out;
}

/** Class indices. */
export function toLabels(values: Values, origin: Origin, mask?: Uint8Array): Labels {
  if (values instanceof Uint8Array || values instanceof Uint16Array || values instanceof Int32Array)
    return values;
  return toWhole(new Int32Array(values.length), values, origin, "-2^31 to 2^31 - 1", mask);
}

/** Places in another file. */
export function toIndices(values: Values, origin: Origin, mask?: Uint8Array): Uint32Array {
  if (values instanceof Uint32Array) return values;
  return toWhole(new Uint32Array(values.length), values, origin, "0 to 2^32 - 1", mask);
}
