import { readdirSync, readFileSync } from 'node:fs'
import { RdsIamError, type RdsIamErrorCode } from '@rds-iam/core'
import { describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, root), 'utf8')

/** The words of a union type, as its file has them. */
function codesOf(file: string, type: string): string[] {
  const [, union = ''] = new RegExp(`export type ${type} =((?:\\s+\\| '\\w+')+)`).exec(read(file)) ?? []
  return [...union.matchAll(/'(\w+)'/g)].map(([, code = '']) => code)
}

const errors = codesOf('packages/core/src/errors.ts', 'RdsIamErrorCode')
const causes = codesOf('packages/cli/src/doctor/finding.ts', 'CauseCode')
const built = read('docs/.vitepress/dist/troubleshooting.html')

it('knows the codes', () => {
  expect(errors).toContain('LOGIN_REFUSED')
  expect(causes).toContain('USER_NOT_ALLOWED')
})

describe.each([...new Set([...errors, ...causes])])('%s', (code) => {
  it('has a section of its own in the built page', () => {
    expect(built.match(new RegExp(`<h3 id="${code}"[^>]*>${code} `, 'g'))).toHaveLength(1)
  })
})

it.each(errors)('a message of %s ends with the address of its section', (code) => {
  const { message } = new RdsIamError(code as RdsIamErrorCode, 'user: not this one')
  expect(message).toBe(`user: not this one\nSee https://rds-iam.github.io/rds-iam/troubleshooting#${code}`)
})

it.each(['core', 'cli'])('%s links to this address and no other', (name) => {
  const folder = `packages/${name}/src/`
  const sources = readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(folder + file))
  const addresses = sources.flatMap((source) => source.match(/https:\/\/rds-iam\.github\.io[\w/.-]*/g) ?? [])
  expect([...new Set(addresses)]).toEqual(['https://rds-iam.github.io/rds-iam/troubleshooting'])
})
