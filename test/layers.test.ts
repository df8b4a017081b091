/** Who may import whom. A file belongs to the folder it is in, or is a layer of its own at the top. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { test } from "node:test";
import { pathOf, text } from "./project.ts";

type Layers = Record<string, readonly string[]>;

const ASSEMBLY: Layers = {
  lane: [],
  math: ["lane"],
  drive: ["lane", "math"],
  loss: ["lane", "math", "drive"],
  sort: ["lane"],
  density: ["lane", "drive", "sort"],
  adversary: ["lane", "math"],
  index: ["lane", "math", "drive", "loss", "sort", "density", "adversary"],
  probe: ["lane", "math", "drive", "loss", "sort", "density"],
  floor: ["lane", "math"],
};

const SRC: Layers = {
  wasm: [],
  check: [],
  arena: ["wasm"],
  stream: ["arena", "check", "wasm"],
  define: ["stream", "arena", "check", "wasm"],
  rows: ["define", "stream", "arena", "check", "wasm"],
  losses: ["define", "rows"],
  ranking: ["rows", "stream", "arena", "check", "wasm"],
  pairs: ["ghm", "losses", "define", "stream", "arena", "check", "wasm"],
  asymmetry: ["define", "losses", "stream", "arena", "check", "wasm"],
  density: ["stream", "arena", "check", "wasm"],
  ghm: ["rows", "stream", "density", "arena", "check", "wasm"],
  adversary: ["losses", "define", "arena", "check", "wasm"],
  selection: ["stream", "arena", "check", "wasm"],
  analysis: ["selection", "ghm", "stream", "arena", "check", "wasm"],
  mod: [
    "define",
    "losses",
    "asymmetry",
    "stream",
    "density",
    "ghm",
    "adversary",
    "selection",
    "analysis",
    "rows",
    "ranking",
    "pairs",
    "wasm",
  ],
  adapters: ["mod"],
  cli: ["mod"],
};

const IMPORT =
  /^\s*(?:import|export)\s(?:[^;]*?\sfrom\s*)?["']([^"'\n]+)["']|\bimport\(\s*["']([^"']+)["']/gm;

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesOf(path);
    return name.endsWith(".ts") && !name.endsWith(".d.ts") ? [path] : [];
  });
}

/** What a file imports, comments left aside. */
function importsOf(file: string): string[] {
  const code = text(relative(pathOf(), file)).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  return [...code.matchAll(IMPORT)].map(([, from, dynamic]) => from ?? dynamic);
}

function layerOf(base: string, file: string): string {
  return relative(base, file).split(sep)[0].replace(/\.ts$/, "");
}

/** The file that a relative import means. */
function target(file: string, from: string): string {
  const path = join(dirname(file), from);
  return path.endsWith(".ts") ? path : `${path}.ts`;
}

function check(folder: string, layers: Layers, outside: (layer: string, from: string) => boolean): void {
  const base = pathOf(folder);
  const seen = new Set<string>();
  let edges = 0;
  for (const file of filesOf(base)) {
    const layer = layerOf(base, file);
    const name = relative(base, file);
    assert.ok(layers[layer], `${folder}/${name} is in no layer: add it to the table, or move it`);
    seen.add(layer);
    for (const from of importsOf(file)) {
      if (!from.startsWith(".")) {
        assert.ok(outside(layer, from), `${folder}/${name} may not import ${from}`);
        continue;
      }
      const other = layerOf(base, target(file, from));
      assert.ok(
        other === layer || layers[layer].includes(other),
        `${folder}/${name}: ${layer} may not import ${other}`,
      );
      edges++;
    }
  }
  assert.ok(seen.size > 5 && edges > 20, "the walk found the sources and their imports");
}

/** Fails at the first circle among a folder's files. */
function refuseCycles(folder: string): void {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    if (done.has(file)) return;
    assert.ok(
      !path.includes(file),
      `a circle of imports: ${[...path, file].map((f) => relative(pathOf(), f)).join(" -> ")}`,
    );
    for (const from of importsOf(file)) {
      const next = target(file, from);
      if (from.startsWith(".") && existsSync(next)) visit(next, [...path, file]);
    }
    done.add(file);
  };
  for (const file of filesOf(pathOf(folder))) visit(file, []);
  assert.ok(done.size > 10);
}

test("assembly: every import is in the table", () => {
  check("assembly", ASSEMBLY, () => false);
});

test("src: every import is in the table, and only the command line touches node", () => {
  check("src", SRC, (layer, from) => (layer === "cli" ? from.startsWith("node:") : layer === "adapters"));
});

test("no circles", () => {
  refuseCycles("assembly");
  refuseCycles("src");
});

test("no address becomes an index by a signed shift", () => {
  // From 2^31 on the index would be negative: it reads nothing, and writes nothing or throws.
  const signed = /[^>]>> [23]\b/;
  const files = filesOf(pathOf("src")).map((file) => [file, text(relative(pathOf(), file))]);
  for (const [file, code] of files) assert.doesNotMatch(code, signed, relative(pathOf(), file));
  assert.ok(files.filter(([, code]) => />>> [23]\b/.test(code)).length > 20, "the walk found indices");
  assert.match("f32.set(x, at.x >> 2)", signed);
});

test("the tables themselves have no circles", () => {
  for (const layers of [ASSEMBLY, SRC]) {
    const depth = (layer: string, path: string[]): number => {
      assert.ok(!path.includes(layer), [...path, layer].join(" -> "));
      return 1 + Math.max(0, ...layers[layer].map((next) => depth(next, [...path, layer])));
    };
    assert.ok(Math.max(...Object.keys(layers).map((layer) => depth(layer, []))) >= 4);
  }
});

test("oracles import nothing of the library", () => {
  const base = pathOf("test", "reference");
  let seen = 0;
  for (const file of filesOf(base)) {
    for (const from of importsOf(file)) {
      const path = relative(pathOf(), target(file, from));
      assert.ok(!/^(src|assembly|dist|build)\b/.test(path), `${relative(base, file)} imports ${from}`);
      seen++;
    }
  }
  assert.ok(seen > 3);
});

test("examples and benches use the public door", () => {
  for (const folder of ["examples", "bench"]) {
    for (const file of filesOf(pathOf(folder))) {
      for (const from of importsOf(file)) {
        const path = relative(pathOf(), target(file, from));
        if (!from.startsWith(".") || !path.startsWith("src")) continue;
        assert.equal(path, join("src", "mod.ts"), `${relative(pathOf(), file)} imports ${from}`);
      }
    }
  }
});

test("the scanner sees every way to import", () => {
  const file = [
    'import a from "./a.ts";',
    'import {\n  b,\n} from "./b.ts";',
    'export * from "./c.ts";',
    'import "./d.ts";',
  ];
  const none = 'export type T = "f" | "g";\nexport const h = "i";';
  const dynamic = 'const e = await import("./e.ts");';
  const found = [...[...file, none, dynamic].join("\n").matchAll(IMPORT)].map(
    ([, from, late]) => from ?? late,
  );
  assert.deepEqual(found, ["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts"]);
});
