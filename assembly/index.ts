export function ready(): i32 { return 1; }
