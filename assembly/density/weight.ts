/** Two windows' lengths and what is made of them, in float64. */
class Length {
  /**
   * min(c + h, 1) - max(c - h, 0), put so that nothing cancels: each side of the window by itself. h = width / 2 <= 1/2.
   */
  @inline static of(c: v128, h: v128): v128 {
    return f64x2.add(f64x2.pmin(h, f64x2.sub(f64x2.splat(1), c)), f64x2.pmin(h, c));
  }

  @inline static first(g: usize, h: v128): v128 {
    return Length.of(f64x2.promote_low_f32x4(v128.load64_zero(g)), h);
  }

  @inline static count(counts: usize): v128 {
    return f64x2.convert_low_i32x4_u(v128.load64_zero(counts));
  }

  @inline static density(g: usize, counts: usize, h: v128, out: usize): void {
    v128.store(out, f64x2.div(Length.count(counts), Length.first(g, h)));
  }

  @inline static beta(g: usize, counts: usize, h: v128, total: v128, out: usize): void {
    v128.store(out, f64x2.div(f64x2.mul(total, Length.first(g, h)), Length.count(counts)));
  }

  /** Two values divided by their densities, rounded to float32 once. */
  @inline static scale(values: usize, g: usize, counts: usize, h: v128): v128 {
    const weight = f64x2.div(Length.first(g, h), Length.count(counts));
    return f32x4.demote_f64x2_zero(f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(values)), weight));
  }
}

/**
 * Gradient density GD = count / length and weight beta = N length / count of each of n samples out of N,
 * from its window count.
 * Either output address may be 0: not wanted.
 *
 * Domain: as `windowCounts`; counts >= 1.
 * Error: density 1 ulp, beta 1.5 ulp of float64 (test/kernels.density.test.ts, golden rows).
 * Source: Li et al. 2018 (arXiv 1811.05181), eq. 6 to 8.
 */
export function exactDensity(
  n: i32,
  g: usize,
  counts: usize,
  width: f64,
  N: f64,
  density: usize,
  beta: usize,
): void {
  const h = f64x2.splat(width * 0.5),
    total = f64x2.splat(N),
    size = (<usize>n) << 2;
  if (density) {
    for (let i: usize = 0; i < size; i += 16) {
      Length.density(g + i, counts + i, h, density + (i << 1));
      Length.density(g + i + 8, counts + i + 8, h, density + (i << 1) + 16);
    }
  }
  if (beta) {
    for (let i: usize = 0; i < size; i += 16) {
      Length.beta(g + i, counts + i, h, total, beta + (i << 1));
      Length.beta(g + i + 8, counts + i + 8, h, total, beta + (i << 1) + 16);
    }
  }
}

/**
 * Values divided by the gradient density: the signed g give the exact GHM-C gradient, the cross-entropies its terms.
 *
 * Domain: as `exactDensity`; `out` may be `values`.
 * Error: one float32 rounding of a float64 product that is good to 2 ulp of float64.
 * Method: value x (length / count) in float64.
 * Source: Li et al. 2018 (arXiv 1811.05181), eq. 9, without the factor 1/N and N that cancel.
 */
export function exactScale(n: i32, values: usize, g: usize, counts: usize, width: f64, out: usize): void {
  const h = f64x2.splat(width * 0.5),
    size = (<usize>n) << 2;
  for (let i: usize = 0; i < size; i += 16) {
    const first = Length.scale(values + i, g + i, counts + i, h);
    const second = Length.scale(values + i + 8, g + i + 8, counts + i + 8, h);
    v128.store(out + i, i32x4.shuffle(first, second, 0, 1, 4, 5));
  }
}
