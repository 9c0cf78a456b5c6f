import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import BenchmarkCharts from './BenchmarkCharts.vue'
import FailoverDiagram from './FailoverDiagram.vue'
import GuideList from './GuideList.vue'
import LoginDiagram from './LoginDiagram.vue'
import './style.css'

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('BenchmarkCharts', BenchmarkCharts)
    app.component('FailoverDiagram', FailoverDiagram)
    app.component('GuideList', GuideList)
    app.component('LoginDiagram', LoginDiagram)
  },
} satisfies Theme
