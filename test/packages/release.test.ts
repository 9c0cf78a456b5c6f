// Runs `npm run release` in a temporary repository with a copy of this checkout and another version.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishedPackages, root } from '../../scripts/packages.mjs'

const packages = publishedPackages()
// Time for four installations and builds on two cores, in parallel with other tests.
const SLOW = { timeout: 300_000 }

let folder: string
let repository: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rds-iam-release-test-'))
  repository = join(folder, 'repository')
  for (const file of git(root, 'ls-files', '--cached', '--others', '--exclude-standard').split('\n'))
    cpSync(join(root, file), join(repository, file))
  for (const name of readdirSync(join(repository, 'packages')))
    edit(`packages/${name}/package.json`, /"version": ".*?"/, '"version": "9.8.7"')
  edit('CHANGELOG.md', /^## .*$/m, '## [9.8.7] - 2026-01-31')
  git(repository, 'init', '--quiet')
  commit()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a dry run lists tarballs that are equal in two clean builds, and changes nothing', SLOW, () => {
  const out = join(folder, 'tarballs')
  const { status, output } = release('--dry-run', '--out', out)
  expect(status, output).toBe(0)
  expect(output).toContain('✓ two builds from clean are equal, byte for byte')
  for (const { tarball } of packages) {
    const content = readFileSync(join(out, tarball))
    const sha512 = createHash('sha512').update(content).digest('hex')
    expect(output).toContain(`${sha512}  ${tarball}  ${content.length} bytes\n`)
  }
  expect(readdirSync(out)).toHaveLength(packages.length)
  expect(git(repository, 'tag')).toBe('')
  expect(git(repository, 'status', '--porcelain')).toBe('')
})

test('a real run tags the commit, and can be repeated', SLOW, () => {
  const { status, output } = release()
  expect(status, output).toBe(0)
  expect(output).toContain('git push origin v9.8.7')
  expect(git(repository, 'rev-parse', 'v9.8.7^{commit}')).toBe(git(repository, 'rev-parse', 'HEAD'))
})

test('lists every fault before it builds anything', () => {
  edit('packages/knex/package.json', '9.8.7', '9.8.6')
  edit('packages/kysely/package.json', 'workspace:^', '^9.8.7')
  edit('CHANGELOG.md', '## [9.8.7] - 2026-01-31', '## [9.8.7] - not released')
  commit()
  writeFileSync(join(repository, 'left-over'), '')
  const { status, output } = release('--dry-run')
  expect(status).toBe(1)
  expect(output.split('\n')).toEqual([
    '✗ the tree is not clean:',
    '?? left-over',
    '✗ @rds-iam/knex has version 9.8.6, not 9.8.7',
    '✗ @rds-iam/kysely takes @rds-iam/core by ^9.8.7, not by workspace:',
    '✗ CHANGELOG.md has no date in "## [9.8.7] - not released"',
    '✗ the tag v9.8.7 exists, at another commit',
    '',
  ])

  edit('CHANGELOG.md', '[9.8.7]', '[9.8.6]')
  expect(release('--dry-run').output).toContain('✗ CHANGELOG.md has no section "## [9.8.7] - YYYY-MM-DD"')
})

function release(...args: string[]): { status: number | null; output: string } {
  // The package manager's cache already has everything that these builds need.
  const env = { ...process.env, ...author, npm_config_prefer_offline: 'true' }
  const script = join(repository, 'scripts/release.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { env, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

const author = {
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@localhost',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@localhost',
}

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd, env: { ...process.env, ...author }, encoding: 'utf8' }).trim()
}

function commit(): void {
  git(repository, 'add', '--all')
  git(repository, 'commit', '--quiet', '--message', 'release')
}

function edit(file: string, from: string | RegExp, to: string): void {
  const path = join(repository, file)
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))
}
