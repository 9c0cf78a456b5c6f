import { builtinModules } from 'node:module'
import { requireFromApplication } from '../application'

export const FORMATS = ['esm', 'cjs'] as const

export interface BundleOptions {
  /** The program to bundle. */
  file: string
  /** The folder to write. */
  folder: string
  format: (typeof FORMATS)[number]
  /** Packages that the bundle loads when it runs. */
  external: readonly RegExp[]
}

/** Bundles a program for Node, minified. Returns the name of the file to run. */
type Bundler = (options: BundleOptions) => Promise<string>

// The programs have CommonJS dependencies, which require Node's own modules.
const REQUIRE = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`

type Build = (options: object) => Promise<unknown>
type Rollup = (options: object) => Promise<{ write: Build; close(): Promise<void> }>
type Webpack = (
  options: object,
  done: (error: Error | null, stats?: { hasErrors(): boolean; toString(preset: string): string }) => void,
) => void

/** The bundlers, each as its documentation says for Node. */
export const BUNDLERS: Record<string, Bundler> = {
  async esbuild({ file, folder, format, external }) {
    const { build } = requireFromApplication('esbuild') as { build: Build }
    const name = `main.${extension(format)}`
    const plugin = {
      name: 'external',
      setup({ onResolve }: { onResolve(on: { filter: RegExp }, resolve: (found: Found) => object): void }) {
        for (const filter of external)
          onResolve({ filter }, ({ path }) => ({ path, external: true, sideEffects: false }))
      },
    }
    await build({
      entryPoints: [file],
      outfile: `${folder}/${name}`,
      bundle: true,
      minify: true,
      format,
      platform: 'node',
      target: 'node20',
      plugins: [plugin],
      ...(format === 'esm' ? { banner: { js: REQUIRE } } : {}),
      logLevel: 'error',
    })
    return name
  },

  async rollup({ file, folder, format, external }) {
    const { rollup } = requireFromApplication('rollup') as { rollup: Rollup }
    const plugin = (name: string) =>
      (requireFromApplication(`@rollup/plugin-${name}`) as { default: (options?: object) => object }).default
    const bundle = await rollup({
      input: file,
      external: [...BUILTINS, ...external],
      plugins: [
        plugin('node-resolve')({ exportConditions: ['node'] }),
        plugin('commonjs')(),
        plugin('json')(),
        plugin('terser')(),
      ],
      onLog() {},
    })
    const name = `main.${extension(format)}`
    await bundle.write({
      dir: folder,
      format,
      entryFileNames: name,
      chunkFileNames: `[name].${extension(format)}`,
    })
    await bundle.close()
    return name
  },

  async webpack({ file, folder, format, external }) {
    const webpack = requireFromApplication('webpack') as Webpack
    const name = `main.${extension(format)}`
    const isModule = format === 'esm'
    await new Promise<void>((resolve, reject) =>
      webpack(
        {
          mode: 'production',
          target: 'node20',
          entry: file,
          externals: external,
          externalsType: isModule ? 'node-commonjs' : 'commonjs',
          output: {
            path: folder,
            filename: name,
            chunkFilename: `[id].${extension(format)}`,
            module: isModule,
            chunkFormat: isModule ? 'module' : 'commonjs',
          },
          experiments: { outputModule: isModule },
        },
        (error, stats) => {
          if (error || stats?.hasErrors()) reject(error ?? new Error(stats?.toString('errors-only')))
          else resolve()
        },
      ),
    )
    return name
  },

  async rolldown({ file, folder, format, external }) {
    const { build } = requireFromApplication('rolldown') as { build: Build }
    const name = `main.${extension(format)}`
    await build({
      input: file,
      platform: 'node',
      external: [...BUILTINS, ...external],
      output: {
        dir: folder,
        format,
        minify: true,
        entryFileNames: name,
        chunkFileNames: `[name].${extension(format)}`,
      },
      logLevel: 'silent',
    })
    return name
  },
}

interface Found {
  path: string
}

const BUILTINS = [/^node:/, ...builtinModules]

function extension(format: BundleOptions['format']): string {
  return format === 'esm' ? 'mjs' : 'cjs'
}
