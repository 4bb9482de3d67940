import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const observatory = process.env["OBSERVATORY"] ?? "http://127.0.0.1:9090";

export default defineConfig({
  plugins: [svelte()],
  base: "/",
  build: {
    outDir: "../src/accelerapp/server/page",
    emptyOutDir: true,
    target: "es2022",
    // Both schemes of a colour stay in one custom property, which older browsers would get in two.
    cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5"],
    // Everything is a file of our own origin: the Content-Security-Policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { "/api": observatory, "/-": observatory },
  },
  test: {
    include: ["src/**/*.test.ts"],
    environment: "node",
    env: { TZ: "UTC" },
  },
});
