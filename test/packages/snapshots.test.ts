// A diff of the snapshots shows changes that users would notice. `npm run surface` and `npm run licenses` write them.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { licenseFile, thirdPartyLicenses } from '../../scripts/licenses.mjs'
import { snapshots, writeSurface } from '../../scripts/surface.mjs'

let built: string
beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), 'rds-iam-surface-'))
  writeSurface(built)
}, 300_000)
afterAll(() => rmSync(built, { recursive: true, force: true }))

test('each entry point and each command has a snapshot', () => {
  expect(readdirSync(snapshots).toSorted()).toEqual(readdirSync(built).toSorted())
})

test.each(readdirSync(snapshots))('the built packages match the surface in %s', (file) => {
  expect(readFileSync(join(built, file), 'utf8')).toBe(readFileSync(join(snapshots, file), 'utf8'))
})

test('THIRD-PARTY-LICENSES.md lists all dependencies, and each licence is allowed', async () => {
  expect(await thirdPartyLicenses()).toBe(readFileSync(licenseFile, 'utf8'))
})
