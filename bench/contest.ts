/** What a contest is, and how both sides are checked before they are timed. */

export interface Contest {
  name: string;
  ours(): unknown;
  rival(): unknown;
  /** Throws unless both sides give what the float64 oracle gives. */
  check(): void;
}

export function close(name: string, got: number, want: number, tolerance: number): void {
  if (Math.abs(got - want) <= tolerance * Math.abs(want)) return;
  throw new Error(`Cannot time ${name}: expected ${want}, got ${got}`);
}

/** Compares the loss and every 97th gradient; `slack` is an absolute error that p - t in float32 cannot avoid. */
export function checkSide(
  name: string,
  loss: number,
  grad: Float32Array,
  truth: { loss: number; grad(i: number): number },
  slack = 0,
): void {
  close(`${name} (loss)`, loss, truth.loss, 1e-6);
  for (let i = 0; i < grad.length; i += 97) {
    const want = truth.grad(i);
    if (Math.abs(grad[i]! - want) > slack) close(`${name} (gradient ${i})`, grad[i]!, want, 1e-4);
  }
}
