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

/** Class indices. Floats are taken where they are whole; where the mask is 0 anything is, and becomes 0. */
export function toLabels(values: Values, { role, name, first }: Origin, mask?: Uint8Array): Labels {
  if (values instanceof Uint8Array || values instanceof Uint16Array || values instanceof Int32Array)
    return values;
  const labels = new Int32Array(values.length);
  for (let i = 0; i < labels.length; i++) {
    if (mask?.[i] === 0) continue;
    labels[i] = values[i];
    if (labels[i] === values[i]) continue;
    throw new RangeError(
      `Cannot read ${role} from ${name}: expected whole numbers from -2^31 to 2^31 - 1, got ${values[i]} at index ${first + i}`,
    );
  }
  return labels;
}
