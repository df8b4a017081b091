import { module } from "./module.ts";

/**
 * Addresses and counts are unsigned 32-bit integers; a stride is -1 (one weight per element) or 0 (one vector).
 * Returns how many losses, all but zeros among them, it has moved together behind the parameters; nothing or -1 if none.
 */
export type HardKernel = (
  n: number,
  x: number,
  t: number,
  w: number,
  stride: number,
  op: number,
  /** 0 where losses are needed for their sum only: for kernels that move them together. */
  loss: number,
  grad: number,
  /** 1 where `loss` holds exp(-|x|) already: for kernels that losses of rows take. */
  isGiven?: number,
) => number | undefined;
/** The same of a loss of residuals, for differences that are float32: returns 1 if one is not, and nothing holds then. */
export type NearKernel = (...args: Parameters<HardKernel>) => number;
export type SoftKernel = (
  n: number,
  x: number,
  t: number,
  w1: number,
  w0: number,
  stride: number,
  op: number,
  loss: number,
  grad: number,
) => void;
export type TallyKernel = (
  n: number,
  g: number,
  loss: number,
  bins: number,
  scratch: number,
  bytes: number,
  cells: number,
  bounds?: number,
) => number;

/** The exports of the module; each is documented where it is written, in assembly/. */
export interface Kernel {
  /** Spelled out, so that the declarations compile without the types of a host. */
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  heapBase(): number;
  survey(n: number, x: number, t: number, report: number): void;
  surveySoft(n: number, t: number, report: number): void;
  surveyReal(n: number, x: number, t: number): number;
  widen(n: number, bytes: number, t: number): void;
  blank(n: number, mask: number, x: number, t: number, w: number): number;
  gauge(n: number, w: number): number;
  weigh(n: number, w: number, a1: number, a0: number, stride: number, w1: number, w0: number): void;
  choose(n: number, t: number, a1: number, a0: number, w: number): void;
  divide(n: number, values: number, divisor: number): void;
  magnitudes(n: number, values: number, mask: number, out: number): number;
  admitRows(
    rows: number,
    classes: number,
    labels: number,
    ignored: number,
    mask: number,
    w: number,
    report: number,
  ): void;
  countLabels(rows: number, classes: number, labels: number, ignored: number): number;
  blankRows(rows: number, classes: number, x: number, labels: number): void;
  enterRows(rows: number, classes: number, x: number, labels: number, own: number): number;
  weighLabels(rows: number, labels: number, alpha: number, w: number): void;
  liftRows(
    rows: number,
    classes: number,
    x: number,
    logits: number,
    e: number,
    peaks: number,
    sums: number,
  ): void;
  liftLongRows(rows: number, classes: number, x: number, e: number, peaks: number, sums: number): void;
  marginRows(
    rows: number,
    k: number,
    peaks: number,
    sums: number,
    own: number,
    near: number,
    decay: number,
    copy: number,
    logs: number,
  ): number;
  exceed(n: number, above: number, below: number, slope: number, loss: number): void;
  settleRows(rows: number, sums: number, slope: number, scale: number): void;
  gatherPairs(
    n: number,
    items: number,
    scores: number,
    pairs: number,
    preferred: number,
    other: number,
  ): void;
  marginPairs(n: number, preferred: number, other: number, near: number, decay: number): number;
  scatterPairs(n: number, items: number, pairs: number, slopes: number, sums: number): void;
  spreadRows(
    rows: number,
    classes: number,
    e: number,
    scale: number,
    slope: number,
    labels: number,
    divisor: number,
    grad: number,
  ): void;
  spreadLongRows: Kernel["spreadRows"];
  joinRows(rows: number, classes: number, e: number, h: number, scale: number, second: number): void;
  weighRows(rows: number, classes: number, x: number, factors: number, out: number): void;
  levelRows(rows: number, near: number, decay: number, logs: number, levels: number): void;
  tailRows(
    rows: number,
    classes: number,
    h: number,
    gamma: number,
    peaks: number,
    levels: number,
    terms: number,
    turns: number,
  ): void;
  settleTail(
    rows: number,
    part: number,
    w: number,
    near: number,
    decay: number,
    sums: number,
    terms: number,
    turns: number,
    loss: number,
    slope: number,
    scale: number,
    second: number,
  ): void;
  rivalRows(rows: number, classes: number, h: number, k: number, lows: number, sums: number): void;
  smoothRows(
    rows: number,
    classes: number,
    e: number,
    h: number,
    peaks: number,
    own: number,
    levels: number,
    share: number,
    part: number,
    w: number,
    loss: number,
    slope: number,
  ): void;
  settleRival(
    rows: number,
    k: number,
    u: number,
    decay: number,
    sums: number,
    loss: number,
    slope: number,
    scale: number,
    second: number,
  ): void;
  sum(n: number, values: number, words: number, bounds?: number): number;
  total(words: number): number;
  readonly bceHard: HardKernel;
  readonly bceSoft: SoftKernel;
  readonly focalSquare: HardKernel;
  readonly focalHalves: HardKernel;
  readonly focalReal: HardKernel;
  readonly focalSoft: SoftKernel;
  readonly focalStar: HardKernel;
  readonly hardTruncation: HardKernel;
  readonly softTruncation: HardKernel;
  readonly asymmetricParts: HardKernel;
  readonly asymmetricReal: HardKernel;
  readonly smoothL1: NearKernel;
  readonly smoothL1Far: HardKernel;
  readonly asl1: NearKernel;
  readonly asl1Far: HardKernel;
  readonly tallyFloor: TallyKernel;
  readonly tallyRounded: TallyKernel;
  readCells(bins: number, cells: number, counts: number, sums: number, words: number): number;
  indexFloor(n: number, g: number, bins: number, bytes: number): void;
  indexRounded(n: number, g: number, bins: number, bytes: number): void;
  windowScratch(n: number): number;
  windowCounts(n: number, g: number, width: number, counts: number, scratch: number): void;
  exactDensity(
    n: number,
    g: number,
    counts: number,
    width: number,
    density: number,
    beta: number,
    total: number,
  ): void;
  exactScale(n: number, values: number, g: number, counts: number, width: number, out: number): void;
  fineHistogram(n: number, g: number, scale: number, bins: number, counts: number): void;
  prefixSum(bins: number, counts: number, cumulative: number): void;
  bracket(
    n: number,
    g: number,
    width: number,
    scale: number,
    bins: number,
    cumulative: number,
    lower: number,
    upper: number,
    estimate: number,
  ): void;
  planes(table: number, out: number): void;
  lookup(n: number, values: number, bytes: number, planes: number, out: number): void;
  lookupHalf(n: number, values: number, bytes: number, planes: number, out: number): void;
  lookupWide(n: number, values: number, bytes: number, table: number, out: number): void;
  keepLanes(cells: number, mask: number, keep: number): void;
  occlude(n: number, cells: number, x: number, keep: number, out: number): number;
  extent(n: number, x: number): number;
  addProducts(channels: number, cells: number, x: number, y: number, sums: number): void;
  toCells(channels: number, cells: number, planes: number, out: number): void;
  toPlanes(channels: number, cells: number, rows: number, planes: number): void;
  corners(
    n: number,
    grid: number,
    width: number,
    height: number,
    scaleX: number,
    scaleY: number,
    stride: number,
    out: number,
  ): void;
  blend(n: number, row: number, table: number, cells: number, out: number): void;
  scatter(n: number, row: number, table: number, grad: number, cells: number): void;
  slopes(
    n: number,
    row: number,
    table: number,
    cells: number,
    grad: number,
    scaleX: number,
    scaleY: number,
    sums: number,
  ): void;
  narrow(n: number, wide: number, out: number): void;
  affineGrid(height: number, width: number, xs: number, ys: number, theta: number, grid: number): void;
  affineGridBackward(height: number, width: number, xs: number, ys: number, grad: number, sums: number): void;
  turns(n: number, angles: number, sines: number, cosines: number): void;
  admitLosses(n: number, losses: number, mask: number): number;
  groupMaxima(n: number, losses: number, groups: number, group: number, maxima: number): void;
  floorKey(n: number, values: number, rank: number): number;
  gather(
    n: number,
    losses: number,
    first: number,
    above: number,
    enough: number,
    pairs: number,
    table: number,
  ): number;
  cutPairs(n: number, pairs: number, budget: number, spare: number, table: number): void;
  orderPairs(n: number, pairs: number, spare: number, table: number): number;
  suppress(
    n: number,
    boxes: number,
    positives: number,
    iou: number,
    most: number,
    needed: number,
    kept: number,
    out: number,
  ): number;
  cumulate(n: number, values: number, sums: number): void;
  drScores(n: number, x: number, factor: number, p: number, report: number): void;
  drPowers(n: number, p: number, factor: number, power: number): void;
  drSums(n: number, p: number, factor: number, bucket: number, power: number, words: number): void;
  drGrad(
    n: number,
    x: number,
    factor: number,
    base: number,
    inverse: number,
    mean: number,
    slope: number,
    scale: number,
    p: number,
    power: number,
    local: number,
    grad: number,
  ): number;
  drLink(u: number, out: number): void;
}

/** The one instance: made synchronously, so that nobody has to wait for it. */
export const kernel: Kernel = /* @__PURE__ */ new WebAssembly.Instance(module).exports as unknown as Kernel;
