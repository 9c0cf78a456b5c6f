import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { UsageError } from './errors'
import { printableLines } from './printable'

const FAILED = 1
const WRONG_USAGE = 2

/** Runs the program with its arguments. The exit status: 0 all is well, 1 a failure, 2 wrong usage. */
export async function runProgram(args: readonly string[]): Promise<number> {
  try {
    let status = 0
    await createProgram((ended) => (status = ended)).parseAsync(args, { from: 'user' })
    return status
  } catch (error) {
    // commander has printed the help, the version, or what is wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE
    process.stderr.write(`rds-iam: ${printableLines((error as Error).message)}\n`)
    return FAILED
  }
}

/** Runs a command with its options, and gives the exit status. The command is loaded when it runs: the help loads none. */
type Run = (options: never, positionals: string[]) => Promise<number>

function createProgram(onEnd: (status: number) => void): Command {
  const { version } = require('../package.json') as { version: string }
  const program = new Command('rds-iam')
    .description('Log in to Amazon RDS and Aurora with your AWS identity.')
    .version(version, '--version', 'Show the version')
    .helpOption('-h, --help', 'Show this help')
    .helpCommand('help [command]', 'Show the help of a command')
    .showHelpAfterError('See: rds-iam --help')
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .configureOutput({
      outputError: (text, write) => write(`rds-iam: ${printableLines(withoutPrefix(text))}`),
    })
    .exitOverride()

  const add = (name: string, summary: string, usage: string, load: () => Run): Command => {
    const command = program
      .command(name)
      .summary(summary)
      .description(`${summary}.`)
      .usage(usage)
      .showHelpAfterError(`See: rds-iam ${name} --help`)
    return command.action(async () => {
      try {
        onEnd(await load()(command.opts() as never, command.args))
      } catch (error) {
        if (error instanceof UsageError) command.error(`error: ${error.message}`)
        throw error
      }
    })
  }

  const doctor = add(
    'doctor',
    'Find out why a login fails',
    '(--host HOST --user NAME | --from-url URL | --from-env) [options]',
    () => (require('./doctor/command') as typeof import('./doctor/command')).runDoctor,
  )
  addLoginOptions(doctor)
    .addOption(
      value('--from-url <url>', "The application's connection URL, postgres:// or mysql://").conflicts([
        ...ADDRESS,
        'engine',
        'fromEnv',
      ]),
    )
    .addOption(
      new Option(
        '--from-env',
        "The application's environment: DATABASE_URL, or PGHOST, MYSQL_HOST or DB_HOST and related variables",
      ).conflicts(ADDRESS),
    )
    .addOption(json())
    .option('--verbose', 'Show more of what was observed; never a secret')
    .addOption(
      new Option(
        '--watch',
        'Log in to a cluster once a second until Ctrl-C, and show what a failover does',
      ).conflicts(['json', 'verbose']),
    )
    .addHelpText(
      'after',
      `
Checks names, credentials, region, clock, TCP, TLS and token, logs in, and ranks the likely causes of a refusal,
each with what to do. Exit status: 0 all is well, 1 a check failed, 2 wrong usage.

--watch: each line shows where rds-iam's login ended, and where one ended that goes where DNS says. Nothing is written
to the database. At the end it prints a summary. Exit status: 0 if the last login with rds-iam was at the writer.`,
    )

  const token = add(
    'token',
    'Print a token to log in with',
    '--host HOST --user NAME [options]',
    () => (require('./token/command') as typeof import('./token/command')).runToken,
  )
  addLoginOptions(token)
    .addOption(new Option('--url', 'Print a connection URL that contains the token').conflicts('json'))
    .addOption(json())
    .addHelpText(
      'after',
      `
The token is a password for 15 minutes, or until the credentials that signed it expire. A URL for PostgreSQL names
the file of --ca. A URL for MySQL contains the CA certificates, in the form that mysql2 reads.`,
    )

  const exec = add(
    'exec',
    'Run psql, mysql or any other command with the login in its environment',
    '--host HOST --user NAME [options] -- COMMAND [ARGUMENT...]',
    () => (require('./exec/command') as typeof import('./exec/command')).runExec,
  )
  addLoginOptions(exec)
    .argument('[command...]', 'The command and its arguments, after --')
    .addHelpText(
      'after',
      `
PostgreSQL: sets PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGSSLMODE, PGSSLROOTCERT and DATABASE_URL.
MySQL: writes a my.cnf that only you can read, and sets MYSQL_HOME, MARIADB_HOME and DATABASE_URL.
Through a tunnel (--endpoint), and for DATABASE_URL of MySQL, programs connect to a relay on this machine, with a
password that is valid until the command ends. The relay verifies the endpoint and sends the token.
Exit status: that of the command; 127 if the command is not found.`,
    )

  add(
    'certificates',
    "Download AWS's current CA certificates for RDS",
    '[--region REGION] [--out FILE] [options]',
    () => (require('./certificates/command') as typeof import('./certificates/command')).runCertificates,
  )
    .addOption(value('--region <region>', 'The certificates of one region (default: of all regions)'))
    .addOption(
      value('--out <file>', "The file to write; - is standard output (default: AWS's name of the file)"),
    )
    .addOption(value('--from <url>', 'Download from another URL'))
    .addOption(json())
    .addHelpText('after', '\nEvery certificate must parse. The file is replaced at once or not at all.')

  return program
}

/** The options that an application's URL or environment replaces. */
const ADDRESS = ['host', 'port', 'user', 'database']

function addLoginOptions(command: Command): Command {
  return command
    .addOption(value('--host <host>', 'The host to dial: the RDS endpoint, a tunnel or an alias'))
    .addOption(value('--port <number>', 'The port to dial (default: 5432, for mysql 3306)'))
    .addOption(value('--user <name>', 'The database user'))
    .addOption(value('--database <name>', 'The database'))
    .addOption(
      new Option(
        '--engine <engine>',
        'The engine; MariaDB is mysql (default: postgres; mysql on port 3306)',
      ).choices(['postgres', 'mysql']),
    )
    .addOption(
      value(
        '--region <region>',
        "The AWS region to sign for (default: the endpoint's, AWS_REGION, the profile's)",
      ),
    )
    .addOption(value('--profile <name>', 'The profile in the shared AWS files'))
    .addOption(value('--endpoint <host[:port]>', 'The RDS endpoint behind the dialled host'))
    .addOption(value('--ca <file>', "The CA certificates to trust (default: the region's, built in)"))
}

function json(): Option {
  return new Option('--json', 'Print JSON for programs')
}

/** An option with a value, which must not be empty or look like another option. */
function value(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    if (text === '' || text.startsWith('--')) throw new InvalidArgumentError('Give a value.')
    return text
  })
}

function withoutPrefix(text: string): string {
  const prefix = 'error: '
  return text.startsWith(prefix) ? text.slice(prefix.length) : text
}
