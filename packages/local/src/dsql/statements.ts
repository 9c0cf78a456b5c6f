/** An error of DSQL for a statement. */
export interface StatementError {
  sqlState: string
  message: string
}

/** DSQL's code of a conflict: another transaction changed the same rows, or the schema. */
export type ConflictCode = 'OC000' | 'OC001'

/** DSQL's error for each kind of conflict. */
export const CONFLICTS: Record<ConflictCode, StatementError> = {
  OC000: { sqlState: '40001', message: 'change conflicts with another transaction (OC000)' },
  OC001: { sqlState: '40001', message: 'schema has been updated by another transaction (OC001)' },
}

/** The kind of a statement, which decides whether its transaction may contain it. */
export type StatementKind = 'begin' | 'commit' | 'rollback' | 'ddl' | 'dml' | 'other'

/** One or more statements that a client sent in one message. */
export interface Statements {
  /** The text to send to PostgreSQL, without DSQL's `ASYNC`. */
  text: string
  /** The kind of each statement, in order. */
  kinds: StatementKind[]
  /** The error of the first statement that DSQL does not support. */
  error?: StatementError
}

/** Splits SQL text, decoded as latin1, into statements. */
export function readStatements(text: string): Statements {
  const masked = mask(text)
  const statements = masked
    .split(';')
    .map((statement) => statement.trim().replace(/\s+/g, ' ').toLowerCase())
    .filter((statement) => statement !== '')
  const error = statements.map(refusalOf).find((refusal) => refusal !== undefined)
  return {
    text: withoutAsync(text, masked),
    kinds: statements.map(kindOf),
    ...(error === undefined ? {} : { error }),
  }
}

// Comments, strings, quoted identifiers and dollar-quoted strings.
const LITERAL =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\be'(?:\\[\s\S]|''|[^'\\])*'|'(?:''|[^'])*'|"(?:""|[^"])*"|(\$(?:[a-z_]\w*)?\$)[\s\S]*?\1/gi

/** Replaces comments by spaces and the contents of quotes by `_`. The length stays the same. */
function mask(text: string): string {
  return text.replace(LITERAL, (literal) =>
    /^(?:--|\/\*)/.test(literal)
      ? ' '.repeat(literal.length)
      : `${literal[0]}${'_'.repeat(literal.length - 2)}${literal.at(-1)}`,
  )
}

/** Removes `ASYNC`. PostgreSQL creates an index, and validates a constraint, immediately. */
function withoutAsync(text: string, masked: string): string {
  let rest = text
  for (const { index, groups } of [...masked.matchAll(ASYNC)].reverse()) {
    const start = index + (groups?.head?.length ?? 0)
    rest = rest.slice(0, start) + rest.slice(start + 'async'.length)
  }
  return rest
}

const ASYNC =
  /(?<head>\bcreate\s+(?:unique\s+)?index\s+|\balter\s+table\s+(?=[^;]*\bvalidate\s+constraint\b))async\b/gi

function kindOf(statement: string): StatementKind {
  if (/^(?:begin|start transaction)\b/.test(statement)) return 'begin'
  if (/^(?:commit|end)\b/.test(statement)) return 'commit'
  if (/^(?:rollback|abort)\b/.test(statement)) return 'rollback'
  if (/^(?:create|alter|drop)\b/.test(statement)) return 'ddl'
  if (/^(?:insert|update|delete)\b|^with\b.*\b(?:insert into|update|delete from)\b/.test(statement))
    return 'dml'
  return 'other'
}

/** A pattern for statements that DSQL refuses. `$1` in the message stands for the match of the first group. */
type Rule = [pattern: RegExp, message: string, sqlState?: string]

// Sources: the user guide ("Supported SQL for Aurora DSQL", "Supported subsets of SQL commands", "Migrating from
// PostgreSQL"), the grammar in AWS's dsql-lint, and messages that users have recorded on clusters.

/** Unsupported statements, with DSQL's names for them. */
const STATEMENTS: Record<string, string> = {
  truncate: 'Truncate',
  lock: 'Lock',
  do: 'Do',
  listen: 'Listen',
  notify: 'Notify',
  unlisten: 'Unlisten',
  prepare: 'Prepare',
  'declare [^ ]+ (?:[a-z]+ )*cursor': 'DeclareCursor',
  discard: 'Discard',
  'alter system': 'AlterSystem',
  'create extension': 'CreateExtension',
  'create database': 'Createdb',
  'create tablespace': 'CreateTableSpace',
  'create policy': 'CreatePolicy',
  'create foreign table': 'CreateForeignTable',
  'create type [^ ]+ as (?=\\()': 'CompositeType',
  'create type [^ ]+ as range': 'CreateRange',
  'create materialized view': 'CreateTableAs',
  'create table (?:if not exists )?[^ (]+(?: ?\\([^()]*\\))? as': 'CreateTableAs',
}

/** A pattern for a table's column with one of these types. */
function columnWith(types: string): RegExp {
  const column = String.raw`(?:[(,] ?|\badd (?:column )?(?:if not exists )?)(?!(?:column|if|constraint|like) )[^ (),]+`
  return new RegExp(String.raw`^(?:create|alter) table\b.*${column} (${types})(?![\w.])`)
}

const CACHE = 'please define CACHE greater than or equal to 65536 or equal to 1'
const CACHED = String.raw`\bcache (?:1|\d{5,})\b`

const RULES: readonly Rule[] = [
  [/\b(pg_(?:try_)?advisory_\w+) ?\(/, 'function $1 not supported'],
  [/\btablesample\b/, 'TABLESAMPLE clause not supported'],
  [
    /\bfor (?:no key update|share)\b/,
    'locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported',
  ],
  ...['serializable', 'read committed', 'read uncommitted'].map((level): Rule => [
    new RegExp(String.raw`^(?:begin|start|set)\b.*\bisolation level ${level}\b`),
    `Unsupported isolation level: ${level.toUpperCase()}`,
  ]),
  [/^set (?:local |session )?transaction\b/, 'setting configuration parameter "TRANSACTION" not supported'],
  [
    /^set (?:local |session )?((?:default_)?transaction_(?:isolation|read_only)|role|client_min_messages|lc_numeric)\b/,
    'setting configuration parameter "$1" not supported',
  ],
  [/^savepoint\b/, 'unsupported transaction statement: SAVEPOINT'],
  [/^release\b/, 'unsupported transaction statement: RELEASE'],
  [/^(?:rollback|abort)(?: work| transaction)? to\b/, 'unsupported transaction statement: ROLLBACK TO'],
  [/^vacuum\b/, 'unsupported VACUUM statement'],
  [/^(?:with\b.*\) )?merge into\b/, 'unsupported statement type: MERGE'],
  ...Object.entries(STATEMENTS).map(([words, name]): Rule => [
    new RegExp(String.raw`^${words}(?!\w)`),
    `unsupported statement: ${name}`,
  ]),
  [/^create (?:or replace )?(?:constraint )?trigger\b/, 'CREATE TRIGGER not supported'],
  [/^create type\b/, 'CREATE TYPE not supported'],
  [/^alter type\b/, 'ALTER TYPE not supported'],
  [/^drop type\b/, 'unsupported object in DROP statement'],
  [
    /^create (?:or replace )?function\b.*\blanguage (?!sql\b)(\w+)/,
    'CREATE FUNCTION with language $1 not supported',
  ],
  [
    /^create (?:global |local )?temp(?:orary)? table\b/,
    'TEMPORARY or TEMP table not supported for CREATE TABLE',
  ],
  [/^create unlogged table\b/, 'UNLOGGED table not supported for CREATE TABLE'],
  [/^create table\b.*\bpartition by\b/, 'PARTITION BY clause not supported for CREATE TABLE'],
  [/^create table\b.*\bpartition of\b/, 'PARTITION OF clause not supported for CREATE TABLE'],
  [
    new RegExp(String.raw`^create sequence\b(?!.*${CACHED})`),
    `CREATE SEQUENCE is not supported without an explicit cache size. ${CACHE}`,
  ],
  [columnWith('(?:small|big)?serial|serial[248]'), 'type "$1" does not exist', '42704'],
  [
    new RegExp(String.raw`^create table\b.*\bas identity\b(?! ?\([^)]*${CACHED})`),
    `identity column is not supported without an explicit cache size. ${CACHE}`,
  ],
  [
    /^create table\b.*[(,] ?[^ (),]+ (smallint|integer|int[24]?) [^,]*\bas identity\b/,
    'datatype $1 not supported, identity column type must be bigint',
  ],
  [
    columnWith(
      String.raw`(?:\w+ ?){1,3}(?:\([^()]*\))? ?\[\d*\]|money|xml|inet|cidr|macaddr8?|point|line|lseg|box|path|polygon|circle|tsvector|tsquery|(?:int[48]|num|tstz|ts|date)(?:multi)?range|bit|varbit|pg_lsn`,
    ),
    'datatype $1 not supported',
  ],
  [/^create (?:unique )?index\b.*\busing (?!btree_index\b)\w+/, 'USING not supported for CREATE INDEX'],
  [/^create (?:unique )?index\b.*\b(?:asc|desc)\b/, 'specifying sort order not supported for index keys'],
  [/^create (?:unique )?index (?!async\b)/, 'unsupported mode. please use CREATE INDEX ASYNC.'],
  [
    /^alter table\b.*\balter (?:column )?[^ ]+ (?:set data )?type\b/,
    'unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement',
  ],
  [
    /^alter table\b.*\balter (?:column )?[^ ]+ set not null\b/,
    'unsupported ALTER TABLE ALTER COLUMN ... SET NOT NULL statement',
  ],
  [/^alter table\b.*\benable row level security\b/, 'unsupported ALTER TABLE ENABLE ROW SECURITY statement'],
  [
    /^alter table (?!async\b).*\bvalidate constraint\b/,
    'unsupported ALTER TABLE VALIDATE CONSTRAINT statement',
  ],
  [
    /^alter table\b.*\badd (?:constraint [^ ]+ )?(?:primary key|exclude|unique(?! using index)|(?:check|foreign key)(?!.*\bnot valid\b))/,
    'unsupported ALTER TABLE ADD CONSTRAINT statement',
  ],
  [
    /^alter table\b.*\badd (?!constraint\b|check\b|foreign\b|unique\b|primary\b|generated\b)(?:column )?(?:\([^()]*\)|[^,(])*\b(?:not null|(?<!storage )default|generated (?:always|by)|unique|primary key|check|references)\b/,
    'ALTER TABLE ADD COLUMN with constraint not supported',
  ],
]

function refusalOf(statement: string): StatementError | undefined {
  for (const [pattern, message, sqlState = '0A000'] of RULES) {
    const match = pattern.exec(statement)
    if (match !== null) return { sqlState, message: message.replace('$1', match[1] ?? '') }
  }
  return undefined
}
