/**
 * Property tests with a fixed seed, so that a suite that was green stays green. `SEED=... npm test` looks
 * elsewhere; a failure prints its seed and the smallest counterexample.
 */
import process from "node:process";
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 271828) });

export default fc;
