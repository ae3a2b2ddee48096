import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { precompress } from "./build/precompress.ts";

/** The console is built into the Python package, from where the node serves it. */
export default defineConfig({
  plugins: [react(), precompress()],
  build: {
    outDir: "../src/millwright/web/console",
    emptyOutDir: true,
    target: "es2022",
    // Every asset stays a file of its own: the node's Content-Security-Policy allows no data: scripts or fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: { "/api": process.env["MILLWRIGHT_URL"] ?? "http://127.0.0.1:8080" },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
