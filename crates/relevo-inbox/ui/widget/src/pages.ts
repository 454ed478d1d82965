import { pageAddress } from './api';

/** Tells when the person moved to another address without a page load. */
export function watchPages(moved: (url: string, title: string) => void): void {
  let url = pageAddress();
  let timer = 0;
  const look = () => {
    // The title is usually set just after the address.
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (url === pageAddress()) return;
      url = pageAddress();
      moved(url, document.title);
    }, 300);
  };
  // Browsers without it tell of "back" only; wrapping the page's own history would be a guest's bad manners.
  const { navigation = window } = window as { navigation?: EventTarget };
  navigation.addEventListener('currententrychange', look);
  addEventListener('popstate', look);
}
