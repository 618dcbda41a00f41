// Starts the console.
import 'uplot/dist/uPlot.min.css';
import './style/theme.css';
import './style/base.css';
import './style/shell.css';
import './style/controls.css';
import './style/dashboard.css';
import './style/sql.css';
import './style/streams.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { startLanguage } from './language.ts';
import { startRouter } from './router.ts';
import { refreshInfo } from './server.ts';
import { startTheme } from './theme.ts';

startTheme();
startLanguage();
startRouter();
void refreshInfo();
render(<App />, document.getElementById('app')!);
