// A change that users feel shows in a diff of these files: `npm run surface` and `npm run licenses` write them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { licenseFile, thirdPartyLicenses } from '../../scripts/licenses.mjs'
import { publishedPackages } from '../../scripts/packages.mjs'
import { snapshots, surface } from '../../scripts/surface.mjs'

test.each(publishedPackages())('the surface of $name is as its snapshot says', (one) => {
  expect(surface(one)).toBe(readFileSync(join(snapshots, `${one.id}.txt`), 'utf8'))
})

test('there is a snapshot for each package, and no other', () => {
  const files = publishedPackages().map(({ id }) => `${id}.txt`)
  expect(readdirSync(snapshots).toSorted()).toEqual(files.toSorted())
})

test('THIRD-PARTY-LICENSES.md lists what is installed, by licences that are allowed', () => {
  expect(thirdPartyLicenses()).toBe(readFileSync(licenseFile, 'utf8'))
})
