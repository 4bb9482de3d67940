/**
 * The editor of queries, on CodeMirror; loaded when it is first shown.
 *
 * It lives in a shadow root: there CodeMirror puts its rules in an adopted style sheet, where in a document it would
 * make a style element, which the Content-Security-Policy forbids.
 */

import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
  completionStatus,
  selectedCompletion,
  selectedCompletionIndex,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { type Diagnostic, forceLinting, linter } from "@codemirror/lint";
import {
  EditorState,
  type Extension,
  Prec,
  StateEffect,
  StateField,
  type Transaction,
} from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";

import type { Problem } from "../problem";
import { appearance } from "./theme";

export interface Language {
  extension: Extension;
  /** What is wrong with a text, without asking the server. */
  check?: (view: EditorView) => readonly Diagnostic[];
}

export interface Hooks {
  change: (text: string) => void;
  /** Enter, with Ctrl or Cmd all queries. */
  run: (all: boolean) => void;
  /** Keys of the view's own, such as "Alt-Shift-f". */
  keys: Record<string, () => void>;
}

export interface Editor {
  setText: (text: string) => void;
  /** Marks what the server says; it goes with the next change of the text. */
  setProblems: (problems: readonly Problem[]) => void;
  /** Puts a text in the place of what is selected. */
  insert: (text: string) => void;
  focus: () => void;
  destroy: () => void;
}

const told = StateEffect.define<readonly Problem[]>();

const problems = StateField.define<readonly Problem[]>({
  create: () => [],
  update: (value, transaction) => {
    const effect = transaction.effects.find((one) => one.is(told));
    return effect?.is(told) === true ? effect.value : transaction.docChanged ? [] : value;
  },
});

/** Makes an editor in an element's shadow root. */
export function createEditor(
  host: HTMLElement,
  label: string,
  hint: string,
  text: string,
  language: Language,
  hooks: Hooks,
): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  root.replaceChildren();
  const parent = document.createElement("div");
  root.append(parent);
  let quiet = false;
  let marked = false;

  const own = Prec.highest(
    keymap.of([
      {
        key: "Enter",
        run: (view) => (wantsCompletion(view.state) && acceptCompletion(view)) || ran(view, false),
      },
      { key: "Mod-Enter", run: (view) => ran(view, true) },
      { key: "Shift-Enter", run: insertNewlineAndIndent },
      ...Object.entries(hooks.keys).map(([key, run]) => ({
        key,
        preventDefault: true,
        run: () => {
          run();
          return true;
        },
      })),
    ]),
  );

  function ran(view: EditorView, all: boolean): boolean {
    closeCompletion(view);
    hooks.run(all);
    return true;
  }

  const view = new EditorView({
    root,
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        own,
        keymap.of([...completionKeymap, { key: "Tab", run: acceptCompletion }, ...closeBracketsKeymap]),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        // Escape closes what is open, and leaves the editor where nothing is.
        Prec.lowest(
          keymap.of([
            {
              key: "Escape",
              run: ({ contentDOM }) => {
                contentDOM.blur();
                return true;
              },
            },
          ]),
        ),
        history(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({
          defaultKeymap: false,
          // What is offered can be taken at once: Enter would run the unfinished query else.
          interactionDelay: 0,
          maxRenderedOptions: 200,
          tooltipClass: () => "cm-completions",
        }),
        EditorView.lineWrapping,
        EditorView.domEventHandlers({ beforeinput: replaceSelected }),
        placeholder(hint),
        problems,
        linter(
          (view) => {
            const served = view.state.field(problems);
            const { length } = view.state.doc;
            return served.length > 0
              ? served.map((one) => diagnostic(one, length))
              : (language.check?.(view) ?? []);
          },
          {
            delay: 1000,
            needsRefresh: (update) =>
              update.transactions.some((one) => one.effects.some((effect) => effect.is(told))),
          },
        ),
        language.extension,
        appearance,
        EditorView.contentAttributes.of({ "aria-label": label, "data-testid": "query-editor" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !quiet) {
            hooks.change(update.state.doc.toString());
          }
        }),
      ],
    }),
  });

  return {
    setText: (wanted) => {
      if (wanted !== view.state.doc.toString()) {
        quiet = true;
        view.dispatch({
          changes: { from: 0, to: view.state.doc.length, insert: wanted },
          selection: { anchor: wanted.length },
        });
        quiet = false;
      }
    },
    setProblems: (wanted) => {
      // Nothing after nothing, as at each key, must not have an unfinished text checked at once.
      const before = marked;
      marked = wanted.length > 0;
      if (!before && !marked) {
        return;
      }
      view.dispatch({ effects: told.of(wanted) });
      forceLinting(view);
    },
    insert: (inserted) => {
      view.dispatch(view.state.replaceSelection(inserted), { scrollIntoView: true });
    },
    focus: () => {
      view.focus();
    },
    destroy: () => {
      view.destroy();
    },
  };
}

/**
 * Types over what is selected without the browser's own editing.
 *
 * That would keep the look of what it replaces in a style attribute, which the Content-Security-Policy forbids.
 */
function replaceSelected(event: InputEvent, view: EditorView): boolean {
  const { main } = view.state.selection;
  const text = event.data;
  if (event.inputType !== "insertText" || text === null || main.empty || view.composing) {
    return false;
  }
  const insert = (): Transaction =>
    view.state.update(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
  // Such as brackets, which go around it.
  const handled = view.state
    .facet(EditorView.inputHandler)
    .some((handler) => handler(view, main.from, main.to, text, insert));
  if (!handled) {
    view.dispatch(insert());
  }
  return true;
}

/** Tells whether Enter is to take the chosen completion: not where all is written, or nothing of it is begun. */
function wantsCompletion(state: EditorState): boolean {
  const chosen = selectedCompletion(state);
  if (completionStatus(state) !== "active" || chosen === null) {
    return false;
  }
  const { head } = state.selection.main;
  const before = state.sliceDoc(Math.max(0, head - 200), head);
  // After what is whole, such as `up ` or `rate(x[5m])`; after `service: ` or `by (` something is to follow.
  const whole = /^\s*$|[\w)\]}"'`]\s+$|[)\]}]$/.test(before);
  return !before.endsWith(chosen.label) && (!whole || selectedCompletionIndex(state) !== 0);
}

function diagnostic({ from, to, severity, message }: Problem, length: number): Diagnostic {
  // What is missing at the end is marked on what stands before it.
  const begin = from === to ? Math.max(0, from - 1) : from;
  return { from: Math.min(begin, length), to: Math.min(to, length), severity, message };
}
