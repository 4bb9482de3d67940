/** Colours the parts of a text that a language without a grammar of its own names. */

import { RangeSetBuilder, type Extension } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  type EditorView,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";

export interface Mark {
  from: number;
  to: number;
  kind: "name" | "value" | "word";
}

const DECORATIONS = {
  name: Decoration.mark({ class: "cm-mark-name" }),
  value: Decoration.mark({ class: "cm-mark-value" }),
  word: Decoration.mark({ class: "cm-mark-word" }),
};

/** `read` returns the marks of a text in their order. */
export function coloured(read: (text: string) => Mark[]): Extension {
  const decorate = (view: EditorView): DecorationSet => {
    const builder = new RangeSetBuilder<Decoration>();
    for (const { from, to, kind } of read(view.state.doc.toString())) {
      if (to > from) {
        builder.add(from, to, DECORATIONS[kind]);
      }
    }
    return builder.finish();
  };
  return ViewPlugin.fromClass(
    class {
      decorations: DecorationSet;

      constructor(view: EditorView) {
        this.decorations = decorate(view);
      }

      update(update: ViewUpdate): void {
        if (update.docChanged) {
          this.decorations = decorate(update.view);
        }
      }
    },
    { decorations: (plugin) => plugin.decorations },
  );
}
