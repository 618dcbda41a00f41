// Keeps a failure of one part from taking the page down.
import { Component, type ComponentChildren } from 'preact';
import { ProblemNotice } from './problem-notice.tsx';

export class Boundary extends Component<{ children: ComponentChildren }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };
  override componentDidCatch(error: unknown): void {
    this.setState({ error });
  }
  override render() {
    if (this.state.error === undefined) return this.props.children;
    return <ProblemNotice error={this.state.error} onRetry={() => this.setState({ error: undefined })} />;
  }
}
