export type Theme = 'system' | 'light' | 'dark';
const KEPT = 'relevo.theme';
const asDark = matchMedia('(prefers-color-scheme: dark)');

class Theming {
  choice = $state<Theme>((localStorage.getItem(KEPT) as Theme | null) ?? 'system');

  choose(theme: Theme) {
    this.choice = theme;
    if (theme === 'system') localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, theme);
    this.apply();
  }

  apply = () => {
    const dark = this.choice === 'dark' || (this.choice === 'system' && asDark.matches);
    document.documentElement.classList.toggle('dark', dark);
  };
}

export const theming = new Theming();
asDark.addEventListener('change', theming.apply);
