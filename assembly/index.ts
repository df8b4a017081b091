export function ready(): i32 {
  return 1;
}

// density
export { windowCounts, windowScratch } from "./density/exact";
