// Writes the public surface of each package to test/packages/surface: API Extractor's report of its exports and types,
// and the help text of each command. A test compares the built packages with these files.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { publishedPackages, root } from './packages.mjs'

/** The folder of the snapshots. */
export const snapshots = join(root, 'test/packages/surface')

/** Writes the surface of all built packages into a folder. */
export function writeSurface(into) {
  mkdirSync(into, { recursive: true })
  for (const one of publishedPackages()) {
    for (const entry of one.entries) reportEntry(one, entry, into)
    for (const [bin, file] of Object.entries(one.bins))
      writeFileSync(join(into, `${bin}.help.txt`), helpOf(bin, join(one.folder, file)))
  }
}

function reportEntry({ name, id, folder, manifest }, entry, into) {
  const path = entry.slice(name.length)
  const { types } = manifest.exports[`.${path}`].import
  const temporary = mkdtempSync(join(tmpdir(), 'rds-iam-surface-'))
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, types.replace('.d.mts', '.d.ts')),
      apiReport: {
        enabled: true,
        reportFolder: into,
        reportTempFolder: temporary,
        reportFileName: id + path.replace('/', '-'),
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            module: 'nodenext',
            target: 'es2022',
            typeRoots: [join(root, 'packages/core/node_modules/@types')],
            types: ['node'],
            strict: true,
            skipLibCheck: true,
          },
          files: [types.replace('.d.mts', '.d.ts')],
        },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  })
  try {
    Extractor.invoke(config, { localBuild: true, messageCallback: (message) => (message.handled = true) })
  } finally {
    rmSync(temporary, { recursive: true })
  }
}

/** The help text of a command and of each subcommand. */
function helpOf(bin, script) {
  const run = (...args) =>
    execFileSync(process.execPath, [script, ...args, '--help'], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', COLUMNS: '100' },
    }).trim()
  const text = run()
  const subcommands = [...text.matchAll(/^ {2}([a-z]+)\b.* {2,}/gm)].map(([, name]) => name ?? '')
  return [
    `$ ${bin} --help`,
    text,
    ...subcommands
      .filter((name) => name !== 'help')
      .flatMap((name) => [`$ ${bin} ${name} --help`, run(name)]),
    '',
  ].join('\n\n')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  rmSync(snapshots, { recursive: true, force: true })
  writeSurface(snapshots)
}
