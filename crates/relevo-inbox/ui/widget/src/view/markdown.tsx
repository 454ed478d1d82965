import { parse, type Node } from '@relevo/core/markdown';
import { Fragment, h, type ComponentChild } from 'preact';

/** A message's text as elements; nothing of it is ever read as HTML. */
export const Markdown = ({ text }: { text: string }) => <>{parse(text).map(draw)}</>;

function draw(node: Node): ComponentChild {
  switch (node.type) {
    case 'text':
      return node.text;
    case 'code':
      return <code>{node.text}</code>;
    case 'break':
      return <br />;
    case 'strong':
      return <strong>{node.children.map(draw)}</strong>;
    case 'em':
      return <em>{node.children.map(draw)}</em>;
    case 'strike':
      return <s>{node.children.map(draw)}</s>;
    case 'link':
      return (
        <a href={node.href} target="_blank" rel="noreferrer nofollow">
          {node.children.map(draw)}
        </a>
      );
    case 'paragraph':
      return <p>{node.children.map(draw)}</p>;
    case 'quote':
      return <blockquote>{node.children.map(draw)}</blockquote>;
    case 'list': {
      const items = node.items.map((item) => <li>{item.map(draw)}</li>);
      return node.ordered ? <ol start={node.start}>{items}</ol> : <ul>{items}</ul>;
    }
  }
}
