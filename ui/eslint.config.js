import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

import svelteConfig from "./svelte.config.js";

export default defineConfig(
  globalIgnores(["node_modules/", "dist/"]),
  js.configs.recommended,
  ts.configs.strict,
  svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      "no-console": "error",
      eqeqeq: ["error", "always", { null: "ignore" }],
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  {
    // What views share knows none of them.
    files: ["api", "charts", "data", "format", "links", "state", "table", "time"].map(
      (name) => `src/${name}/**`,
    ),
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            "alerts",
            "dashboard",
            "explore",
            "logs",
            "services",
            "start",
            "status",
            "traces",
            "views",
          ].map((name) => `**/${name}/**`),
        },
      ],
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig },
    },
    rules: {
      // The one place that renders HTML, cleaned on the server, says so beside it.
      "svelte/no-at-html-tags": "error",
      // The page has its own router; SvelteKit's resolve() does not exist here.
      "svelte/no-navigation-without-resolve": "off",
      // Maps and URLs here are made anew in each derivation and never changed once they are read.
      "svelte/prefer-svelte-reactivity": "off",
    },
  },
);
