import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { commands } from 'rds-iam/dist/commands.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requirePrograms } from '../local/clients/programs'
import { rdsIam } from './command'

const run = promisify(execFile)

let directory: string
beforeAll(async () => {
  await requirePrograms({ bash: 'bash', zsh: 'zsh', fish: 'fish' })
  directory = mkdtempSync(join(tmpdir(), 'completion-'))
  writeFileSync(join(directory, 'bundle.pem'), '')
}, 600_000)
afterAll(() => rmSync(directory, { recursive: true }))

async function scriptOf(shell: string): Promise<string> {
  const { stdout } = await rdsIam(['completion', shell])
  const file = join(directory, shell)
  writeFileSync(file, stdout)
  return file
}

/** What a shell offers for the last word of a line. */
const shells: Record<string, (line: string) => Promise<string[]>> = {
  async bash(line) {
    const words = line.split(' ')
    const call = `COMP_WORDS=("$@"); COMP_CWORD=${words.length - 1}; _rds_iam; printf '%s\\n' "\${COMPREPLY[@]}"`
    const script = `source '${await scriptOf('bash')}'\n${call}`
    const { stdout } = await run('bash', ['-c', script, 'bash', ...words], { cwd: directory })
    return stdout.split('\n').filter((word) => word !== '')
  },
  async fish(line) {
    const script = `source '${await scriptOf('fish')}'; complete -C '${line}'`
    const { stdout } = await run('fish', ['--no-config', '-c', script], {
      cwd: directory,
      env: { ...process.env, HOME: directory },
    })
    const words = stdout.split('\n').map((offer) => offer.split('\t')[0] ?? '')
    return words.filter((word) => word !== '')
  },
}

describe.each(Object.entries(shells))('%s', (_, offers) => {
  test.each([
    ['rds-iam do', ['doctor']],
    ['rds-iam token --ur', ['--url']],
    ['rds-iam token --us', ['--user']],
    ['rds-iam doctor --engine my', ['mysql']],
    ['rds-iam doctor --ca bundle', ['bundle.pem']],
    ['rds-iam completion z', ['zsh']],
    ['rds-iam doctor --host bundle', []],
  ])('%s', async (line, expected) => {
    expect(await offers(line)).toEqual(expected)
  })
})

test('bash offers commands after --, and then files', async () => {
  expect(await shells['bash']?.('rds-iam exec --host x -- rds_iam_no_such')).toEqual([])
  expect(await shells['bash']?.('rds-iam exec --host x -- ech')).toContain('echo')
  expect(await shells['bash']?.('rds-iam exec --host x -- cat bundle')).toEqual(['bundle.pem'])
})

test('zsh takes the script, and knows the command by it', async () => {
  const script = `autoload -U compinit && compinit -u -d ./dump; source '${await scriptOf('zsh')}'; print $_comps[rds-iam]`
  const { stdout } = await run('zsh', ['-f', '-c', script], { cwd: directory })
  expect(stdout).toContain('_rds_iam')
})

test.each(['bash', 'zsh', 'fish'])('%s is told of every command and option', async (shell) => {
  const { status, stdout } = await rdsIam(['completion', shell])
  expect(status).toBe(0)
  for (const { name, options } of commands) {
    expect(stdout).toContain(name)
    for (const option of Object.keys(options)) expect(stdout).toContain(option)
  }
})
