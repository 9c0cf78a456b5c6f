import { defineConfig } from 'vitepress'
import { linkRepository } from './repository-links'
import { sidebar } from './sidebar'

const repository = 'https://github.com/rds-iam/rds-iam'

export default defineConfig({
  title: 'rds-iam',
  description: 'Log in to Amazon RDS and Aurora from Node with your AWS identity instead of a password',
  lang: 'en',
  base: '/rds-iam/',
  cleanUrls: true,
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: { config: (markdown) => linkRepository(markdown, repository) },
  transformPageData(page) {
    // Below each export the reference repeats the same headings.
    if (page.relativePath.startsWith('api/')) page.frontmatter['outline'] = 2
  },
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: repository }],
    footer: { message: 'MIT licence' },
  },
})
