import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { requirePsql } from '../psql'
import { createScratch, processesGone, program } from './command'

let scratch: ReturnType<typeof createScratch>

beforeAll(requirePsql)
beforeEach(() => void (scratch = createScratch()))
afterEach(() => {
  processesGone(scratch.path)
  scratch.remove()
})

// What the README says to do, with the program's path in place of its name.
const START = `
ready=$(mktemp -u)
mkfifo "$ready"
"$NODE" "$PROGRAM" --shell "$@" > "$ready" 2> "$TMPDIR/logins" &
trap 'kill $! 2> /dev/null && wait $!' EXIT
read -r line < "$ready"
rm "$ready"
eval "$line"
`
const STOP = `
kill $!
wait $!
echo "stopped with $?"
cat "$TMPDIR/logins"
rm "$TMPDIR/logins"
`
const TOKEN = `
token=$("$NODE" --input-type=module -e "
  import { createTokenProvider } from '@rds-iam/core'
  const [host, port, user] = process.argv.slice(1)
  const { value } = await createTokenProvider({ host, port, user }).getToken()
  process.stdout.write(value)
" "$PGHOST" "$PGPORT" "$PGUSER")
`

/** Runs a script in sh, and gives the lines that it prints. */
async function sh(script: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const child = spawn('/bin/sh', ['-eu', '-c', script, 'sh', ...args], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { ...process.env, NODE: process.execPath, PROGRAM: program, TMPDIR: scratch.path, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await once(child, 'close')
  return text.trimEnd().split('\n')
}

test('logs in with psql when a shell evaluates the line', async () => {
  const script = `${START}${TOKEN}PGPASSWORD=$token psql -XAtqc 'select current_user'\n${STOP}`
  const stale = { AWS_PROFILE: 'real', AWS_SESSION_TOKEN: 'real', PGHOSTADDR: '' }
  const args = ['--user', `jane "o'neil" $HOME`, '--backend', inject('postgresUrl')]
  const [user, stopped, login, ...more] = await sh(script, args, stale)
  expect({ user, stopped, more }).toEqual({
    user: decodeURIComponent(new URL(inject('postgresUrl')).username),
    stopped: 'stopped with 0',
    more: [],
  })
  expect(login).toMatch(/Z jane "o'neil" \$HOME AKIA\w+ accepted$/)
  expect(readdirSync(scratch.path)).toEqual([])
})

test('connects here and verifies the name when the name resolves elsewhere', async () => {
  const script = `${START}${TOKEN}PGPASSWORD=$token psql -XAtqc 'select 1'\n${STOP}`
  const args = [
    '--endpoint',
    'db.example.com:5432',
    '--region',
    'eu-west-1',
    '--backend',
    inject('postgresUrl'),
  ]
  const [refused] = await sh(script.replace('"$PGPORT" "$PGUSER"', '5433 "$PGUSER"'), args)
  expect(refused).toContain('PAM authentication failed')
  const [one] = await sh(script.replace('"$PGPORT" "$PGUSER"', '5432 "$PGUSER"'), args)
  expect(one).toBe('1')
})

test('sets the variables that MySQL’s clients read', async () => {
  const script = `${START}
    env | grep ^MYSQL_ | sed "s/=.*[/]/=/; s/=$MYSQL_TCP_PORT$/=PORT/" | sort
    test "$NODE_EXTRA_CA_CERTS" = "$MYSQL_SSL_CA" && grep -c BEGIN "$MYSQL_SSL_CA"
    test -n "$RDS_IAM_LOCAL_CONTROL_URL" && test -n "$RDS_IAM_LOCAL_CONTROL_TOKEN"
    ${STOP}`
  const backend = Object.assign(new URL(inject('mysqlUrl')), { pathname: '/app' }).href
  const environment = { MYSQL_URL: '' }
  expect(await sh(script, ['--engine', 'mysql', '--backend', backend], environment)).toEqual([
    'MYSQL_DATABASE=app',
    'MYSQL_HOST=127.0.0.1',
    'MYSQL_SSL_CA=ca.pem',
    'MYSQL_TCP_PORT=PORT',
    'MYSQL_URL=',
    'MYSQL_USER=jane_doe',
    '1',
    'stopped with 0',
  ])
})
