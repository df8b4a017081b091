/**
 * Makes declarations that name each other as declarations. The library ships as one file of code, so a declaration that
 * says `./define.js` points to nothing; and one that says `./define.d.ts` may import types only. Values that are
 * exported again are therefore declared by the type that they have there.
 */
const STATEMENT = /^(import|export) (type )?\{([^}]*)\} from "(\.[^"]*)\.[jt]s";$/gm;
const INLINE = /import\("(\.[^"]*)\.[jt]s"\)/g;

function names(list: string): { types: string[]; values: string[] } {
  const all = list.split(",").map((name) => name.trim());
  const isType = (name: string): boolean => name.startsWith("type ");
  return {
    types: all.filter((name) => name && isType(name)).map((name) => name.slice(5)),
    values: all.filter((name) => name && !isType(name)),
  };
}

export function typesOnly(text: string): string {
  const inline = text.replace(INLINE, 'import("$1.d.ts")');
  return inline.replace(
    STATEMENT,
    (_, verb: string, whole: string | undefined, list: string, path: string) => {
      const { types, values } = names(list);
      const file = `"${path}.d.ts"`;
      if (verb === "import" || whole)
        return `${verb} type { ${[...types, ...values].join(", ")} } from ${file};`;
      const lines = values.map((name) => `export declare const ${name}: typeof import(${file}).${name};`);
      if (types.length > 0) lines.unshift(`export type { ${types.join(", ")} } from ${file};`);
      return lines.join("\n");
    },
  );
}
