import { mkdirSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { pack, publishedPackages, readJson, type Package } from '../../scripts/packages.mjs'
import { run } from './run'

/** A package as it is published; its manifest is the tarball's. */
export interface Packed extends Package {
  /** Its tarball. */
  file: string
  /** The folder with what is in the tarball. */
  contents: string
  /** Their paths in it, with slashes. */
  files: string[]
}

/** Packs our packages into `folder`, and unpacks each in a folder of its own there. */
export async function packInto(folder: string): Promise<Packed[]> {
  pack(folder)
  return Promise.all(
    publishedPackages().map(async (one) => {
      const file = join(folder, one.tarball)
      const contents = join(folder, 'contents', one.id)
      mkdirSync(contents, { recursive: true })
      await run('tar', ['-xzf', file, '-C', contents, '--strip-components=1'], { cwd: folder })
      return {
        ...one,
        file,
        contents,
        files: filesIn(contents),
        manifest: readJson(join(contents, 'package.json')),
      }
    }),
  )
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll(sep, '/'))
}
