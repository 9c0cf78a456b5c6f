/** An option of a command. */
export interface Option {
  type: 'string' | 'boolean'
  /** What stands for its value in the help. */
  value?: string
  /** The only values that it takes. */
  choices?: readonly string[]
  description: string
}

/** What was given for the options of a command, by their names. */
export type Values = Readonly<Record<string, string | boolean | undefined>>

/** What a command does with its options and the words after `--`; gives the exit status. */
export type Run = (values: Values, words: readonly string[]) => Promise<number>

/** A command, as its help shows it. */
export interface Command {
  name: string
  summary: string
  usage: string
  options: Readonly<Record<string, Option>>
  /** Longer explanation for its own help. */
  notes: string
  /** Loads the command: `--help` loads none. */
  load: () => Run
}

const help: Option = { type: 'boolean', description: 'Shows this help' }
const json: Option = { type: 'boolean', description: 'Prints JSON for programs' }

const login = {
  host: {
    type: 'string',
    value: 'HOST',
    description: 'What is dialled: the RDS endpoint, a tunnel, an alias',
  },
  port: { type: 'string', value: 'N', description: 'Its port (default: 5432, for mysql 3306)' },
  user: { type: 'string', value: 'NAME', description: 'The database user' },
  database: { type: 'string', value: 'NAME', description: 'The database' },
  engine: {
    type: 'string',
    value: 'ENGINE',
    choices: ['postgres', 'mysql'],
    description: 'postgres or mysql; MariaDB is mysql (default: postgres, on port 3306 mysql)',
  },
  region: {
    type: 'string',
    value: 'REGION',
    description: "AWS region to sign for (default: the endpoint's name, AWS_REGION, the profile)",
  },
  profile: { type: 'string', value: 'NAME', description: 'Profile in the shared AWS files' },
  endpoint: {
    type: 'string',
    value: 'HOST[:PORT]',
    description: 'The RDS endpoint behind what is dialled',
  },
  ca: {
    type: 'string',
    value: 'FILE',
    description: "Certificate authorities to trust (default: the region's, built in)",
  },
} satisfies Record<string, Option>

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  {
    name: 'doctor',
    summary: 'Finds out why a login fails',
    usage: 'rds-iam doctor --host HOST --user NAME [OPTIONS]',
    options: {
      ...login,
      json,
      verbose: { type: 'boolean', description: 'Shows more of what was seen; never a secret' },
      help,
    },
    notes:
      'Checks names, credentials, region, clock, TCP, TLS and token, logs in, and ranks the likely causes of a\n' +
      'refusal, each with what to do. Exit status: 0 all is well, 1 a check failed, 2 wrong usage.',
    load: () => (require('./doctor/command') as typeof import('./doctor/command')).runDoctor,
  },
  {
    name: 'token',
    summary: 'Prints a token to log in with',
    usage: 'rds-iam token --host HOST --user NAME [OPTIONS]',
    options: {
      ...login,
      url: { type: 'boolean', description: 'Prints a connection URL that holds the token' },
      json,
      help,
    },
    notes:
      'The token is a password for 15 minutes, or until the credentials that signed it end. A URL for PostgreSQL\n' +
      'names the file of --ca, one for MySQL holds the certificates, in the words of mysql2.',
    load: () => (require('./login/token') as typeof import('./login/token')).runToken,
  },
  {
    name: 'exec',
    summary: 'Runs psql, mysql or any other command with the login in its environment',
    usage: 'rds-iam exec --host HOST --user NAME [OPTIONS] -- COMMAND [ARGUMENT…]',
    options: { ...login, help },
    notes:
      'PostgreSQL: PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGSSLMODE, PGSSLROOTCERT and DATABASE_URL.\n' +
      'MySQL: a my.cnf that only you can read, by MYSQL_HOME and MARIADB_HOME, and DATABASE_URL. Programs on Node\n' +
      'get the CA certificates by NODE_EXTRA_CA_CERTS. Through a tunnel (--endpoint) only programs over libpq can log\n' +
      'in; for others let the name of the endpoint lead to the tunnel (/etc/hosts), and give it as --host.\n' +
      "Exit status: the command's own; 127 when it is not found.",
    load: () => (require('./exec/command') as typeof import('./exec/command')).runExec,
  },
  {
    name: 'certificates',
    summary: "Fetches AWS's current certificate authorities",
    usage: 'rds-iam certificates [--region REGION] [--out FILE] [OPTIONS]',
    options: {
      region: { type: 'string', value: 'REGION', description: 'Those of one region (default: of all)' },
      out: {
        type: 'string',
        value: 'FILE',
        description: "Where to write them, - for standard output (default: AWS's name of the file)",
      },
      from: { type: 'string', value: 'URL', description: 'Another place to fetch them from' },
      json,
      help,
    },
    notes: 'Every certificate must parse; the file is replaced at once or not at all.',
    load: () =>
      (require('./certificates/command') as typeof import('./certificates/command')).runCertificates,
  },
  {
    name: 'completion',
    summary: 'Prints the completion script of a shell',
    usage: 'rds-iam completion bash|zsh|fish',
    options: { help },
    notes:
      'bash: source <(rds-iam completion bash)   zsh: source <(rds-iam completion zsh)\n' +
      'fish: rds-iam completion fish | source',
    load: () => (require('./completion') as typeof import('./completion')).runCompletion,
  },
]
