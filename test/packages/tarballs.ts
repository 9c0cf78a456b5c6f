import { mkdirSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { pack, publishedPackages, readJson, type Package } from '../../scripts/packages.mjs'
import { run } from './run'

/** A package as published. `manifest` is the one in the tarball. */
export interface Packed extends Package {
  /** Its tarball. */
  file: string
  /** The folder with the unpacked tarball. */
  contents: string
  /** The paths of its files, relative to the folder, with slashes. */
  files: string[]
}

/** Packs our packages into `folder`, and unpacks each into its own subfolder. */
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
