/** The C program that runs the twins of all kernels and holds them to what the module computed. */
import { parse } from "../../tools/interleave/sexpr.ts";
import { readText } from "../../tools/interleave.ts";
import { CASES, N } from "./cases.ts";
import { Translation } from "./translate.ts";

const HEAD = `#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
static uint8_t M[1 << 23] __attribute__((aligned(64)));
static uint8_t after[1 << 23];
`;

const TAIL = `
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}
static int64_t read_file(const char *folder, int k, const char *kind, uint8_t *to) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%d.%s", folder, k, kind);
  FILE *file = fopen(path, "rb");
  if (!file) return -1;
  int64_t n = fread(to, 1, sizeof M, file);
  fclose(file);
  return n;
}
int main(int argc, char **argv) {
  (void)argc;
  printf("[");
  for (int k = 0; k < COUNT; k++) {
    int64_t n = read_file(argv[1], k, "before", M);
    if (n <= 0 || read_file(argv[1], k, "after", after) != n) return 2;
    twins[k]();
    if (memcmp(M, after, n)) return 3 + k;
    double best = 1e30;
    for (int round = 0; round < 300; round++) {
      double start = now();
      for (int i = 0; i < 4; i++) twins[k]();
      double spent = (now() - start) / 4;
      if (spent < best) best = spent;
    }
    printf("%s%.6f", k ? ", " : "", best / ELEMENTS);
  }
  printf("]\\n");
  return 0;
}
`;

/** @param args those of each case */
export function program(plain: Uint8Array, args: readonly (readonly number[])[]): string {
  const translation = new Translation(parse(readText(plain)));
  const calls = CASES.map(({ kernel }, k) => {
    return `static void twin${k}(void) { ${translation.add(kernel)}(${args[k]!.join(", ")}); }`;
  });
  const names = CASES.map((_, k) => `twin${k}`);
  return `${HEAD}${translation.text}
${calls.join("\n")}
#define COUNT ${CASES.length}
#define ELEMENTS ${N}
static void (*const twins[])(void) = {${names.join(", ")}};
${TAIL}`;
}
