export { affineGrid, affineGridBackward, turns } from "./adversary/affine";
export { blend, corners, narrow, scatter, slopes } from "./adversary/bilinear";
export { toCells, toPlanes } from "./adversary/layout";
export { addProducts, extent, keepLanes, occlude } from "./adversary/occlude";
export { bracket } from "./density/bracket";
export { windowCounts, windowScratch } from "./density/exact";
export { fineHistogram, prefixSum } from "./density/histogram";
export { exactDensity, exactScale } from "./density/weight";
export { indexFloor, indexRounded, readCells, tallyFloor, tallyRounded } from "./drive/bins";
export { decay } from "./drive/decay";
export { liftLongRows, spreadLongRows } from "./drive/long-rows";
export { lookup, lookupHalf, lookupWide, planes } from "./drive/lookup";
export { gatherPairs, marginPairs, scatterPairs } from "./drive/pairs";
export { blank, choose, divide, gauge, magnitudes, weigh, widen } from "./drive/prepare";
export { exceed, joinRows, marginRows, settleRows, spreadRows, weighRows } from "./drive/row-margin";
export { admitRows, blankRows, countLabels, decayRows, enterRows, liftRows, weighLabels } from "./drive/rows";
export { sum, total } from "./drive/sum";
export { survey, surveyReal, surveySoft } from "./drive/survey";
export { asl1, asl1Far } from "./loss/asl1";
export { asymmetricParts, asymmetricReal } from "./loss/asymmetric";
export { levelRows, settleTail, tailRows } from "./loss/asymmetric-rows";
export { bceHard, bceSoft } from "./loss/bce";
export { drDecays, drGrad, drLink, drPowers, drScores, drSums } from "./loss/dr";
export { focalHalves, focalReal, focalSquare } from "./loss/focal";
export { focalSoft } from "./loss/focal-soft";
export { focalStar } from "./loss/focal-star";
export { smoothL1, smoothL1Far } from "./loss/smooth-l1";
export { smoothRows } from "./loss/smooth-rows";
export { hardTruncation, softTruncation } from "./loss/truncation";
export { rivalRows, settleRival } from "./loss/truncation-rows";
export { cumulate } from "./sort/cumulate";
export { admitLosses, floorKey, groupMaxima } from "./sort/floor";
export { orderPairs } from "./sort/order";
export { cutPairs, gather } from "./sort/select";
export { suppress } from "./sort/suppress";

/** Where the host may lay out its memory: everything below belongs to the module. */
export function heapBase(): usize {
  return __heap_base;
}
