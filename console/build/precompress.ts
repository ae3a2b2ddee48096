import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

import type { Plugin } from "vite";

const COMPRESSIBLE = /\.(?:js|css|html|svg|json|webmanifest)$/;
const WORTH_IT_BYTES = 1024;

async function* walk(folder: string): AsyncGenerator<string> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

/** Writes `.br` and `.gz` beside each text asset, so that the node serves them without compressing at run time. */
export function precompress(): Plugin {
  let folder = "";
  return {
    name: "precompress",
    apply: "build",
    configResolved(config) {
      folder = config.build.outDir;
    },
    async closeBundle() {
      for await (const path of walk(folder)) {
        if (!COMPRESSIBLE.test(path) || (await stat(path)).size < WORTH_IT_BYTES) continue;
        const text = await readFile(path);
        const brotli = promisify(brotliCompress);
        const [br, gz] = await Promise.all([
          brotli(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }),
          promisify(gzip)(text, { level: 9 }),
        ]);
        await Promise.all([writeFile(`${path}.br`, br), writeFile(`${path}.gz`, gz)]);
      }
    },
  };
}
