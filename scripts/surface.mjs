// Writes the public surface of each package to test/packages/surface, where a test holds the built package against it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript-5.9'
import { publishedPackages, root } from './packages.mjs'

/** Where the snapshots are. */
export const snapshots = join(root, 'test/packages/surface')

/**
 * What those who use a built package can rely on: the declarations of what it exports, and of what these name; the help
 * of its commands; what it runs on.
 *
 * @param {import('./packages.mjs').Package} described
 */
export function surface({ name, folder, entries, manifest, bins }) {
  const needs = Object.entries({ node: manifest.engines.node, ...manifest.peerDependencies })
  return [
    `# ${name}`,
    needs.map(([what, range]) => `${what} ${range}`).join('\n'),
    ...declarations(
      entries.map((entry) => {
        const { types } = manifest.exports[`.${entry.slice(name.length)}`].import
        return { entry, file: join(folder, types) }
      }),
      folder,
    ),
    ...Object.entries(bins).flatMap(([bin, file]) => help(bin, join(folder, file))),
    '',
  ].join('\n\n')
}

function declarations(entries, folder) {
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, types: [] },
  )
  const checker = program.getTypeChecker()
  const shown = new Set()

  const sections = entries.flatMap(({ entry, file }) => [
    `## ${entry}`,
    ...checker
      .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((symbol) => show(original(symbol))),
  ])
  // A set gives what is added to it on the way, too.
  const behind = []
  for (const symbol of shown) for (const named of namedBy(symbol)) behind.push(...show(named))
  return behind.length > 0 ? [...sections, '## What these name', ...behind] : sections

  function show(symbol) {
    if (shown.has(symbol)) return []
    shown.add(symbol)
    return symbol.declarations.map(print)
  }

  function original(symbol) {
    return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  }

  /** The package's own symbols that the declarations of `symbol` name. */
  function namedBy(symbol) {
    const found = []
    const visit = (node) => {
      const named = ts.isIdentifier(node) && checker.getSymbolAtLocation(node)
      if (named) found.push(original(named))
      ts.forEachChild(node, visit)
    }
    symbol.declarations.forEach(visit)
    return found.filter((one) => one.declarations?.some(isTopLevelOfPackage))
  }

  function isTopLevelOfPackage(node) {
    const statement = ts.isVariableDeclaration(node) ? node.parent.parent : node
    return (
      ts.isSourceFile(statement.parent ?? statement) &&
      node.getSourceFile().fileName.startsWith(slashes(folder))
    )
  }
}

function print(node) {
  const statement = ts.isVariableDeclaration(node) ? node.parent.parent : node
  const printer = ts.createPrinter({ removeComments: true })
  return printer.printNode(ts.EmitHint.Unspecified, statement, statement.getSourceFile())
}

/** The help of a command, and of each command that it lists. */
function help(bin, script) {
  const run = (...args) => {
    const options = { encoding: /** @type {const} */ ('utf8'), env: { ...process.env, NO_COLOR: '1' } }
    return execFileSync(process.execPath, [script, ...args, '--help'], options).trim()
  }
  const text = run()
  const commands = [...text.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, command]) => command)
  return [
    `## ${bin} --help`,
    text,
    ...commands.flatMap((command) => [`## ${bin} ${command} --help`, run(command)]),
  ]
}

function slashes(path) {
  return path.replaceAll(sep, '/')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  rmSync(snapshots, { recursive: true, force: true })
  mkdirSync(snapshots, { recursive: true })
  for (const one of publishedPackages()) writeFileSync(join(snapshots, `${one.id}.txt`), surface(one))
}
