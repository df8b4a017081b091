export function ready(): i32 { return 1; }

// density
export { bracket } from "./density/bracket";
export { windowCounts, windowScratch } from "./density/exact";
export { fineHistogram, prefixSum } from "./density/histogram";
export { exactDensity, exactScale } from "./density/weight";
