// Builds the documentation: the API reference from the packages' declarations, then the site from the Markdown.
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Application, LogLevel } from 'typedoc'
import { build } from 'vitepress'

process.chdir(fileURLToPath(new URL('.', import.meta.url)))
await writeReference()
await build('.')

async function writeReference() {
  const names = new Map(entryPoints())
  rmSync('api', { recursive: true, force: true })
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: [...names.keys()],
    tsconfig: 'tsconfig.json',
    name: 'API reference',
    out: 'api',
    router: 'module',
    entryFileName: 'index',
    readme: 'none',
    disableSources: true,
    excludeExternals: true,
    excludeScopesInPaths: true,
    hideBreadcrumbs: true,
    hidePageHeader: true,
    hideGroupHeadings: true,
    groupOrder: ['Functions', 'Classes', 'Interfaces', '*'],
    useCodeBlocks: true,
    useHTMLAnchors: true,
    expandParameters: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    logLevel: LogLevel.Warn,
  })
  const entries = app.getEntryPoints() ?? []
  for (const entry of entries) entry.displayName = names.get(entry.sourceFile.fileName)
  const project = app.converter.convert(entries)
  app.validate(project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('the API reference has faults')
  await app.generateOutputs(project)
}

/** The declarations that the packages publish, by file, with the names that they are imported by. */
function* entryPoints() {
  const packages = fileURLToPath(new URL('../packages/', import.meta.url))
  for (const folder of readdirSync(packages)) {
    const { name, exports } = JSON.parse(readFileSync(`${packages}${folder}/package.json`, 'utf8'))
    for (const [path, entry] of Object.entries(exports ?? {})) {
      const types = entry.require?.types
      if (types) yield [`${packages}${folder}/${types.slice(2)}`, name + path.slice(1)]
    }
  }
}
