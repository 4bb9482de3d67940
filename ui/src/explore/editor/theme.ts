/** The editor in the page's colours; custom properties reach into its shadow root. */

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const tooltip = {
  border: "1px solid var(--border)",
  borderRadius: "6px",
  background: "var(--surface)",
  boxShadow: "var(--shadow)",
  color: "var(--text)",
};

const theme = EditorView.theme({
  "&": { color: "var(--text)", fontSize: "13px", background: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", maxHeight: "40vh", overflow: "auto" },
  ".cm-content": { padding: "6px 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 8px" },
  ".cm-placeholder": { color: "var(--muted)" },
  "&.cm-focused .cm-matchingBracket": {
    background: "var(--accent-soft)",
    outline: "1px solid var(--border-strong)",
  },
  "&.cm-focused .cm-nonmatchingBracket": { background: "var(--bad-soft)" },
  ".cm-lintRange": { backgroundImage: "none", paddingBottom: "0" },
  ".cm-lintRange-error": { textDecoration: "underline wavy var(--bad)", background: "var(--bad-soft)" },
  ".cm-lintRange-warning": { textDecoration: "underline wavy var(--warn)" },
  ".cm-lintRange-info": { textDecoration: "underline dotted var(--accent)" },
  ".cm-lintPoint::after": { borderBottomColor: "var(--bad)" },
  ".cm-mark-name": { color: "var(--hue-orange)" },
  ".cm-mark-value": { color: "var(--hue-green)" },
  ".cm-mark-word": { color: "var(--hue-red)" },
  ".cm-tooltip": { ...tooltip, fontFamily: "var(--font)", fontSize: "12.5px" },
  ".cm-tooltip-section:not(:first-child)": { borderTop: "1px solid var(--border)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    maxWidth: "min(620px, 92vw)",
    fontFamily: "var(--mono)",
    fontSize: "12.5px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 8px", lineHeight: "20px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--accent-soft)", color: "var(--text)" },
  ".cm-completionIcon": { color: "var(--muted)", opacity: "1" },
  ".cm-completionMatchedText": { color: "var(--accent)", fontWeight: "650", textDecoration: "none" },
  ".cm-completionDetail": { color: "var(--muted)", fontStyle: "normal", marginLeft: "12px" },
  ".cm-tooltip.cm-completionInfo": { ...tooltip, padding: "6px 10px", maxWidth: "340px" },
  ".cm-diagnostic": { padding: "5px 10px", borderLeft: "3px solid var(--border-strong)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-diagnostic-info": { borderLeftColor: "var(--accent)" },
  "&:not(.cm-focused) .cm-signature": { display: "none" },
  ".cm-about": { maxWidth: "min(560px, 92vw)", padding: "5px 10px" },
  ".cm-about code": { fontFamily: "var(--mono)" },
  ".cm-about p": { margin: "2px 0 0", color: "var(--muted)" },
  ".cm-about b": { color: "var(--accent)" },
  "@media (max-width: 600px)": {
    ".cm-tooltip.cm-completionInfo": { display: "none" },
  },
});

const highlight = HighlightStyle.define([
  { tag: [tags.comment, tags.lineComment], color: "var(--muted)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--hue-green)" },
  { tag: tags.number, color: "var(--hue-purple)" },
  { tag: tags.labelName, color: "var(--hue-orange)" },
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: "var(--hue-red)" },
  { tag: [tags.function(tags.variableName), tags.propertyName], color: "var(--hue-blue)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

export const appearance: Extension = [theme, syntaxHighlighting(highlight)];
