// The SQL editor. It lives in a shadow root because CodeMirror then mounts its styles as constructed style sheets,
// which a strict content security policy allows; our tokens reach it as inherited custom properties.
import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import {
  defaultKeymap,
  history,
  historyKeymap,
  indentWithTab,
  insertNewlineAndIndent,
} from '@codemirror/commands';
import { PostgreSQL, SQLDialect, type SQLNamespace, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { Compartment, EditorState, Prec, StateEffect, StateField } from '@codemirror/state';
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** Words of DuckDB beyond PostgreSQL's, for highlighting and completion. */
const duckdb = SQLDialect.define({
  ...PostgreSQL.spec,
  keywords: `${PostgreSQL.spec.keywords ?? ''} qualify pivot unpivot asof semi anti positional exclude replace summarize describe sample`,
  builtin:
    'approx_count_distinct approx_quantile arg_max arg_min avg count date_trunc epoch_ms greatest histogram json_extract_string least ' +
    'list max median min quantile_cont regexp_extract regexp_matches round split_part stddev strftime strptime sum time_bucket unnest',
});

const highlight = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--syntax-keyword)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--syntax-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--syntax-number)' },
  { tag: [tags.standard(tags.name), tags.typeName], color: 'var(--syntax-name)' },
  { tag: tags.comment, color: 'var(--syntax-comment)', fontStyle: 'italic' },
]);

const look = EditorView.theme({
  '&': {
    height: '100%',
    color: 'var(--text)',
    backgroundColor: 'var(--surface)',
    fontSize: 'var(--text-md)',
  },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.55' },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': {
    backgroundColor: 'transparent',
    color: 'var(--text-faint)',
    border: 'none',
    paddingLeft: '4px',
  },
  '.cm-activeLine': { backgroundColor: 'var(--hover)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--accent-soft)',
  },
  '.cm-matchingBracket': { outline: '1px solid var(--text-faint)', backgroundColor: 'transparent' },
  '.cm-placeholder': { color: 'var(--text-faint)' },
  '.cm-sql-error': {
    textDecoration: 'underline wavy var(--bad) 1.5px',
    textUnderlineOffset: '3px',
    backgroundColor: 'var(--bad-soft)',
  },
  '.cm-tooltip': {
    border: '1px solid var(--line)',
    borderRadius: '6px',
    backgroundColor: 'var(--raised)',
    color: 'var(--text)',
    boxShadow: 'var(--shadow)',
    overflow: 'hidden',
  },
  '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--font-mono)' },
  '.cm-tooltip-autocomplete ul li': { padding: '2px 8px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--accent-soft)',
    color: 'var(--text)',
  },
  '.cm-completionDetail': { color: 'var(--text-faint)', fontStyle: 'normal' },
});

/**
 * Typing over a selection is done here. Left to itself the browser keeps the look of what it replaces in an inline style,
 * which the content security policy refuses with an error in the log.
 */
const typeOverSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main, ranges } = view.state.selection;
    const text = event.data;
    if (event.inputType !== 'insertText' || !text || main.empty || ranges.length > 1 || view.composing)
      return false;
    event.preventDefault();
    const insert = () =>
      view.state.update(view.state.replaceSelection(text), { userEvent: 'input.type', scrollIntoView: true });
    const handlers = view.state.facet(EditorView.inputHandler);
    if (!handlers.some(handle => handle(view, main.from, main.to, text, insert))) view.dispatch(insert());
    return true;
  },
});

const setMark = StateEffect.define<{ from: number; to: number } | null>();
const errorMark = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = transaction.docChanged ? Decoration.none : marks;
    for (const effect of transaction.effects) {
      if (!effect.is(setMark)) continue;
      const at = effect.value;
      next = at
        ? Decoration.set(Decoration.mark({ class: 'cm-sql-error' }).range(at.from, at.to))
        : Decoration.none;
    }
    return next;
  },
  provide: field => EditorView.decorations.from(field),
});

export interface EditorOptions {
  text: string;
  label: string;
  placeholder: string;
  onChange: (text: string) => void;
  onRun: () => void;
}

export class Editor {
  private readonly view: EditorView;
  private readonly schema = new Compartment();

  constructor(host: HTMLElement, options: EditorOptions) {
    const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
    const run = () => {
      options.onRun();
      return true;
    };
    this.view = new EditorView({
      root,
      parent: root as unknown as Element,
      state: EditorState.create({
        doc: options.text,
        extensions: [
          Prec.highest(
            keymap.of([
              { key: 'Mod-Enter', run },
              { key: 'Ctrl-Enter', run },
            ]),
          ),
          lineNumbers(),
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ activateOnTypingDelay: 50 }),
          highlightActiveLine(),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': options.label }),
          placeholder(options.placeholder),
          keymap.of([
            { key: 'Tab', run: acceptCompletion },
            { key: 'Enter', run: insertNewlineAndIndent },
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...defaultKeymap,
            ...historyKeymap,
            indentWithTab,
          ]),
          this.schema.of(sql({ dialect: duckdb })),
          syntaxHighlighting(highlight),
          errorMark,
          typeOverSelection,
          look,
          EditorView.updateListener.of(update => {
            if (update.docChanged) options.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
  }

  /** Streams and views with their columns, for completion. */
  setSchema(schema: SQLNamespace): void {
    this.view.dispatch({ effects: this.schema.reconfigure(sql({ dialect: duckdb, schema })) });
  }

  setText(text: string): void {
    if (text === this.view.state.doc.toString()) return;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  /** Marks the word at a 1-based line and column; null takes the mark away. */
  mark(place: { line: number; column: number } | null): void {
    const { doc } = this.view.state;
    let at: { from: number; to: number } | null = null;
    if (place && doc.length > 0) {
      const line = doc.line(Math.min(doc.lines, Math.max(1, place.line)));
      const from = Math.min(line.to, line.from + Math.max(0, place.column - 1));
      const word = /^(\w+|\W)/.exec(doc.sliceString(from, line.to))?.[0].length ?? 0;
      // At the end of a line the character before is marked, so that there is something to see.
      at = word > 0 ? { from, to: from + word } : { from: Math.max(0, from - 1), to: Math.max(1, from) };
      if (at.to > doc.length) at = null;
    }
    this.view.dispatch({
      effects: setMark.of(at),
      ...(at ? { selection: { anchor: at.from }, scrollIntoView: true } : {}),
    });
  }

  focus(): void {
    this.view.focus();
  }

  destroy(): void {
    this.view.destroy();
  }
}
