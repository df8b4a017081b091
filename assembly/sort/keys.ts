/** Keys are integers that order like finite float32; -0 has that of 0. */
export class Keys {
  /** Those of four losses, signed. */
  @inline static of(v: v128): v128 {
    const bits = f32x4.add(v, f32x4.splat(0));
    return v128.xor(bits, i32x4.shr_u(i32x4.shr_s(bits, 31), 1));
  }

  /** That of one loss, unsigned, as pairs hold it. */
  @inline static word(loss: f32): u32 {
    const bits = reinterpret<i32>(loss + 0);
    return <u32>(bits ^ ((bits >> 31) | 0x80000000));
  }

  /** The loss of a signed key. */
  @inline static loss(key: i32): f32 {
    return reinterpret<f32>(key ^ ((key >> 31) & 0x7fffffff));
  }
}
