import js from "@eslint/js";
import ts from "typescript-eslint";

export default ts.config(
  js.configs.recommended,
  ...ts.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: true } } },
  {
    rules: {
      eqeqeq: "error",
      "no-restricted-syntax": ["error", { selector: "ExportDefaultDeclaration", message: "name what you export" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
    },
  },
  // Generated: each reply is asserted alike, also where its type happens to take any object.
  { files: ["src/v1/services.ts"], rules: { "@typescript-eslint/no-unnecessary-type-assertion": "off" } },
  { files: ["test/**"], rules: { "@typescript-eslint/no-floating-promises": "off", "@typescript-eslint/require-await": "off" } },
  { ignores: ["dist", "eslint.config.js"] },
);
