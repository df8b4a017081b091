import { Exp } from "./math/exp";
import { Log1p } from "./math/log1p";
import { Logistic } from "./math/logistic";

export function expNonPositive(n: i32, x: usize, y: usize): void {
  for (let i = 0; i < n; i += 4)
    v128.store(y + ((<usize>i) << 2), Exp.nonPositive(v128.load(x + ((<usize>i) << 2))));
}
export function log1pUnit(n: i32, x: usize, y: usize): void {
  for (let i = 0; i < n; i += 4)
    v128.store(y + ((<usize>i) << 2), Log1p.unit(v128.load(x + ((<usize>i) << 2))));
}
import { F4 } from "./lane/f32x4";
export function decay(n: i32, x: usize, y: usize): void {
  for (let i = 0; i < n; i += 4)
    v128.store(y + ((<usize>i) << 2), Logistic.decay(v128.load(x + ((<usize>i) << 2))));
}
export function softplus(n: i32, x: usize, y: usize): void {
  for (let i = 0; i < n; i += 4) {
    const u = v128.load(x + ((<usize>i) << 2));
    v128.store(y + ((<usize>i) << 2), Logistic.softplus(u, Logistic.decay(u)));
  }
}
export function sigmoid(n: i32, x: usize, y: usize): void {
  for (let i = 0; i < n; i += 4) {
    const u = v128.load(x + ((<usize>i) << 2));
    v128.store(y + ((<usize>i) << 2), Logistic.sigmoid(u, Logistic.decay(u)));
  }
}
export function sigmoidShared(n: i32, x: usize, y: usize): void {
  for (let i = 0; i < n; i += 4) {
    const u = v128.load(x + ((<usize>i) << 2));
    const e = Logistic.decay(u);
    const d = Logistic.larger(e);
    v128.store(y + ((<usize>i) << 2), F4.xor(d, Logistic.exchange(u, d, Logistic.smaller(e, d))));
  }
}
