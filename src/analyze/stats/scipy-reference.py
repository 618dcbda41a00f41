# Writes scipy-reference.json: what scipy and statsmodels answer, for the tests beside it. Run with the versions
# named in its output: python scipy-reference.py > scipy-reference.json
import json
import numpy as np, scipy, statsmodels
from scipy import stats, special
from statsmodels.stats import proportion, power, multitest, oneway
from scipy.stats import norm, t, chi2, f, beta, gamma, binom, poisson, hypergeom, nct

rows = []
def dist(name, fn, argsets):
    for args in argsets:
        rows.append([name, list(map(float, args)), float(fn(*args))])

dist('normal.cdf', norm.cdf, [(-37.5,), (-8,), (-1,), (0.3,), (5,)])
dist('normal.survival', norm.sf, [(-2,), (1.96,), (10,), (38,)])
dist('normal.quantile', norm.ppf, [(1e-300,), (1e-12,), (0.025,), (0.5,), (0.9,), (0.999999,)])
dist('normal.pdf', norm.pdf, [(0,), (3.2,), (1, 2, 3)])
dist('studentT.cdf', t.cdf, [(-40, 3), (-2, 1.5), (0.5, 30), (4, 7.3)])
dist('studentT.survival', t.sf, [(1e-3, 5), (2, 4), (12, 40), (60, 200), (3, 1e6), (-1, 9)])
dist('studentT.quantile', t.ppf, [(1e-9, 5), (0.025, 3), (0.975, 12.5), (0.9, 1e5), (0.6, 1)])
dist('studentT.pdf', t.pdf, [(0.3, 4), (6, 11)])
dist('chiSquare.cdf', chi2.cdf, [(0.01, 3), (5, 2), (80, 100)])
dist('chiSquare.survival', chi2.sf, [(3.84, 1), (700, 5), (60, 50), (1e-4, 2)])
dist('chiSquare.quantile', chi2.ppf, [(0.001, 4), (0.5, 0.5), (0.95, 1), (0.999, 300)])
dist('fisherF.cdf', f.cdf, [(0.1, 3, 12), (2, 1, 1), (1.1, 200, 300)])
dist('fisherF.survival', f.sf, [(4, 2, 27), (400, 3, 60), (1.05, 1000, 800), (0.2, 5, 5)])
dist('fisherF.quantile', f.ppf, [(0.95, 2, 30), (0.01, 7, 4), (0.999, 1, 5)])
dist('beta.cdf', beta.cdf, [(0.2, 2, 3), (1e-4, 0.5, 0.5), (0.99, 30, 2)])
dist('beta.survival', beta.sf, [(0.9, 2, 30), (0.3, 1.5, 4)])
dist('beta.quantile', beta.ppf, [(0.025, 3, 18), (0.975, 200, 4), (0.5, 0.5, 0.5)])
dist('gamma.cdf', lambda x, a, r: gamma.cdf(x, a, scale=1/r), [(2, 3, 1), (0.01, 0.2, 4), (90, 100, 1)])
dist('gamma.survival', lambda x, a, r: gamma.sf(x, a, scale=1/r), [(50, 3, 1), (2, 3, 0.5)])
dist('gamma.quantile', lambda p, a, r: gamma.ppf(p, a, scale=1/r), [(0.01, 0.7, 2), (0.99, 40, 3)])
dist('binomial.pmf', binom.pmf, [(3, 10, 0.2), (500, 1000, 0.5)])
dist('binomial.cdf', binom.cdf, [(3, 10, 0.2), (0, 5, 0.7), (5, 5, 0.7), (90, 1000, 0.12)])
dist('binomial.survival', binom.sf, [(3, 10, 0.2), (200, 1000, 0.12), (40, 40, 0.5)])
dist('poisson.cdf', poisson.cdf, [(3, 4.5), (0, 0.1), (80, 100)])
dist('poisson.survival', poisson.sf, [(3, 4.5), (60, 10)])
dist('hypergeometric.pmf', lambda k, N, K, n: hypergeom.pmf(k, N, K, n), [(2, 20, 7, 12), (30, 500, 100, 120)])
dist('logGamma', special.gammaln, [(0.5,), (1e-5,), (171.5,), (1e6,)])
dist('logBeta', special.betaln, [(0.5, 0.5), (1000, 2000), (1e-3, 7)])
dist('noncentralTCdf', lambda x, v, d: nct.cdf(x, v, d), [(1.9, 10, 2), (-1, 5, 0.5), (2.0, 198, 2.8), (0, 12, 1), (3, 4, -0.5), (1.7, 1000, 4.5), (-2.5, 30, 3)])
dist('kolmogorovTail', special.kolmogorov, [(0.3,), (0.8,), (1.0,), (1.36,), (3,)])

rng = np.random.default_rng(20240501)
r = lambda x, d=3: [round(float(v), d) for v in x]
S = {
 'a': r(rng.normal(10, 2, 18)), 'b': r(rng.normal(11.4, 3.1, 25)), 'c': r(rng.normal(9.6, 1.2, 14)),
 'a2': r(rng.normal(10.6, 2, 18)),
 'tiedA': [1, 2, 2, 3, 3, 3, 4, 5, 5, 7], 'tiedB': [2, 3, 3, 4, 4, 6, 6, 7, 8, 8, 9],
 'bigA': r(rng.exponential(1.0, 60), 1), 'bigB': r(rng.exponential(1.35, 75), 1),
 'uniform': r(rng.uniform(0, 1, 40) ** 1.2), 'uniform7': r(rng.uniform(0, 1, 7)),
}
S['uniform900'] = r(rng.uniform(0, 1, 900), 4); S['uniform3000'] = r(rng.uniform(0, 1, 3000) ** 1.03, 4)
S['wideA'] = r(rng.normal(0, 1, 130)); S['wideB'] = r(rng.normal(0.3, 1.2, 170))
A = {k: np.array(v) for k, v in S.items()}
T = {}
def test(name, call, *values):
    T[name] = {'call': call, 'values': [float(v) for v in values]}
def ci(res, c=.95): x = res.confidence_interval(c); return [x.low, x.high]
x = stats.ttest_1samp(A['a'], 9.5); test('one-sample t', "ttest_1samp(a, 9.5)", x.statistic, x.pvalue, x.df, *ci(x))
x = stats.ttest_rel(A['a'], A['a2']); test('paired t', "ttest_rel(a, a2)", x.statistic, x.pvalue, x.df, *ci(x))
x = stats.ttest_ind(A['a'], A['b'], equal_var=False); test('welch', "ttest_ind(a, b, equal_var=False)", x.statistic, x.pvalue, x.df, *ci(x, .9))
x = stats.ttest_ind(A['a'], A['b']); test('student', "ttest_ind(a, b)", x.statistic, x.pvalue, x.df, *ci(x))
x = stats.ttest_ind(A['a'], A['b'], equal_var=False, alternative='less'); test('welch less', "ttest_ind(a, b, equal_var=False, alternative='less')", x.statistic, x.pvalue, x.df, ci(x)[1])
z, p = proportion.proportions_ztest(43, 100, 0.35, prop_var=0.35); test('one proportion', "proportions_ztest(43, 100, 0.35, prop_var=0.35); proportion_confint(43, 100, method='wilson')", z, p, *proportion.proportion_confint(43, 100, method='wilson'))
z, p = proportion.proportions_ztest([56, 48], [70, 80]); test('two proportions', "proportions_ztest([56, 48], [70, 80]); confint_proportions_2indep(56, 70, 48, 80, method='newcomb')", z, p, *proportion.confint_proportions_2indep(56, 70, 48, 80, method='newcomb', compare='diff'))
test('clopper-pearson', "proportion_confint(3, 29, method='beta')", *proportion.proportion_confint(3, 29, method='beta'))
test('wilson 0', "proportion_confint(0, 29, method='wilson')", *proportion.proportion_confint(0, 29, method='wilson'))
x = stats.chisquare([16, 18, 16, 14, 12, 12]); test('goodness', "chisquare([16, 18, 16, 14, 12, 12])", x.statistic, x.pvalue)
x = stats.chisquare([315, 101, 108, 32], np.array([9, 3, 3, 1]) / 16 * 556); test('mendel', "chisquare([315, 101, 108, 32], [9, 3, 3, 1] / 16 * 556)", x.statistic, x.pvalue)
x = stats.chi2_contingency([[10, 10, 20], [20, 20, 20]]); test('independence', "chi2_contingency([[10, 10, 20], [20, 20, 20]])", x.statistic, x.pvalue, x.dof)
x = stats.chi2_contingency([[12, 5], [6, 14]]); test('yates', "chi2_contingency([[12, 5], [6, 14]])", x.statistic, x.pvalue, x.dof)
for alt in ['two-sided', 'less', 'greater']:
    test('fisher ' + alt, f"fisher_exact([[8, 2], [1, 5]], '{alt}')", *stats.fisher_exact([[8, 2], [1, 5]], alt))
    test('fisher big ' + alt, f"fisher_exact([[1200, 1100], [1300, 1450]], '{alt}')", *stats.fisher_exact([[1200, 1100], [1300, 1450]], alt))
    x = stats.mannwhitneyu(A['a'], A['b'], alternative=alt, method='exact'); test('mann-whitney exact ' + alt, f"mannwhitneyu(a, b, alternative='{alt}', method='exact')", x.statistic, x.pvalue)
    x = stats.mannwhitneyu(A['bigA'], A['bigB'], alternative=alt, method='asymptotic'); test('mann-whitney normal ' + alt, f"mannwhitneyu(bigA, bigB, alternative='{alt}', method='asymptotic')", x.statistic, x.pvalue)
    x = stats.wilcoxon(A['a'], A['a2'], alternative=alt, method='exact'); d = A['a'] - A['a2']; ranks = stats.rankdata(abs(d)); test('wilcoxon exact ' + alt, f"wilcoxon(a, a2, alternative='{alt}', method='exact')", ranks[d > 0].sum(), x.pvalue)
    u = A['wideA'][:100]; v = A['wideB'][:100]; x = stats.wilcoxon(u, v, alternative=alt, method='asymptotic', correction=True); d = u - v; test('wilcoxon normal ' + alt, f"wilcoxon(wideA[:100], wideB[:100], alternative='{alt}', method='asymptotic', correction=True)", stats.rankdata(abs(d))[d > 0].sum(), x.pvalue)
for name in ['uniform', 'uniform7', 'uniform900', 'uniform3000']:
    x = stats.kstest(A[name], 'uniform', method='exact'); test('ks ' + name, f"kstest({name}, 'uniform', method='exact')", x.statistic, x.pvalue)
x = stats.kstest(A['uniform'], lambda q: np.clip(q * .5, 0, 1), method='exact'); test('ks far', "kstest(uniform, x / 2, method='exact')", x.statistic, x.pvalue)
x = stats.ks_2samp(A['a'], A['b'], method='exact'); test('ks2 small', "ks_2samp(a, b, method='exact')", x.statistic, x.pvalue)
x = stats.ks_2samp(A['wideA'], A['wideB'], method='exact'); test('ks2 wide', "ks_2samp(wideA, wideB, method='exact')", x.statistic, x.pvalue)
x = stats.f_oneway(A['a'], A['b'], A['c']); test('anova', "f_oneway(a, b, c)", x.statistic, x.pvalue)
x = oneway.anova_oneway([A['a'], A['b'], A['c']], use_var='unequal', welch_correction=True); test('welch anova', "statsmodels anova_oneway([a, b, c], use_var='unequal')", x.statistic, x.pvalue, *x.df)
x = stats.levene(A['a'], A['b'], A['c']); test('brown-forsythe', "levene(a, b, c, center='median')", x.statistic, x.pvalue)
x = stats.levene(A['a'], A['b'], A['c'], center='mean'); test('levene', "levene(a, b, c, center='mean')", x.statistic, x.pvalue)
ps = [0.01, 0.04, 0.03, 0.005, 0.2, 0.9, 0.01]
for m, ours in [('bonferroni', 'bonferroni'), ('holm', 'holm'), ('simes-hochberg', 'hochberg'), ('fdr_bh', 'benjamini-hochberg'), ('fdr_by', 'benjamini-yekutieli')]:
    test('adjust ' + ours, f"multipletests({ps}, method='{m}')[1]", *multitest.multipletests(ps, method=m)[1])
x = stats.pearsonr(A['a'], A['a2']); c = x.confidence_interval(); test('pearson', "pearsonr(a, a2)", x.statistic, x.pvalue, c.low, c.high)
x = stats.spearmanr(A['tiedA'], A['tiedB'][:10]); test('spearman', "spearmanr(tiedA, tiedB[:10])", x.statistic, x.pvalue)
test('moments', "mean, var(ddof=1), skew, kurtosis of bigA", A['bigA'].mean(), A['bigA'].var(ddof=1), stats.skew(A['bigA']), stats.kurtosis(A['bigA']))
tt = power.TTestIndPower(); t1 = power.TTestPower()
test('power t ind', "TTestIndPower().power(0.5, 64, 0.05)", tt.power(0.5, 64, 0.05))
test('power t ind ratio', "TTestIndPower().power(0.3, 50, 0.01, ratio=2)", tt.power(0.3, 50, 0.01, ratio=2))
test('power t one', "TTestPower().power(0.4, 30, 0.05)", t1.power(0.4, 30, 0.05))
test('power t larger', "TTestIndPower().power(0.5, 30, 0.05, alternative='larger')", tt.power(0.5, 30, 0.05, alternative='larger'))
test('size t ind', "TTestIndPower().solve_power(0.2, power=0.8, alpha=0.05)", tt.solve_power(0.2, power=0.8, alpha=0.05))
test('size t one', "TTestPower().solve_power(0.3, power=0.9, alpha=0.05)", t1.solve_power(0.3, power=0.9, alpha=0.05))
test('cramer', "association([[10, 10, 20], [20, 20, 20]], 'cramer')", stats.contingency.association([[10, 10, 20], [20, 20, 20]], 'cramer'))
# Skewed statistic for the bootstrap: scipy's own BCa, many resamples.
b = stats.bootstrap((A['bigA'],), np.mean, n_resamples=200000, method='BCa', random_state=1).confidence_interval
test('bca mean', "bootstrap((bigA,), mean, n_resamples=200000, method='BCa')", b.low, b.high)
b = stats.bootstrap((A['bigA'],), np.mean, n_resamples=200000, method='percentile', random_state=1).confidence_interval
test('percentile mean', "bootstrap((bigA,), mean, n_resamples=200000, method='percentile')", b.low, b.high)
# Poisson rates: the conditional binomial, doubled tail; Garwood's interval.
def rates(x, tx, y, ty):
    p0 = tx / (tx + ty); n = x + y
    c = stats.binomtest(x, n).proportion_ci(.95, 'exact'); r = lambda q: q / (1 - q) * ty / tx
    return [min(1, 2 * min(binom.cdf(x, n, p0), binom.sf(x - 1, n, p0))), r(c.low), r(c.high)]
test('poisson rates', "2 min(binom.cdf(30, 70, 10/34), binom.sf(29, 70, 10/34)); binomtest(30, 70).proportion_ci()", *rates(30, 10, 40, 24))
test('poisson interval', "gamma.ppf(.025, 7) / 3, gamma.ppf(.975, 8) / 3", gamma.ppf(.025, 7) / 3, gamma.ppf(.975, 8) / 3)
# Group-sequential exit probabilities by multivariate normal integrals: P(cross first at look k) under drift.
def mvn(bounds, fractions, drift):
    k = len(bounds); fr = np.array(fractions); cov = np.array([[np.sqrt(min(i, j) / max(i, j)) for j in fr] for i in fr])
    mean = drift * np.sqrt(fr); out = []; stay = 1.0
    for m in range(1, k + 1):
        up = np.array(bounds[:m]); cur = stats.multivariate_normal(mean[:m], cov[:m, :m], allow_singular=True).cdf(up, lower_limit=-up) if m > 1 else norm.cdf(up[0] - mean[0]) - norm.cdf(-up[0] - mean[0])
        out.append(stay - cur); stay = cur
    return out
test('exit null', "1 − mvn box probabilities, bounds [2.5, 2.4, 2.3, 2.2], fractions [.25, .5, .75, 1], drift 0", *mvn([2.5, 2.4, 2.3, 2.2], [.25, .5, .75, 1], 0))
test('exit drift', "the same with drift 2.8 and fractions [.2, .5, .9, 1]", *mvn([2.5, 2.4, 2.3, 2.2], [.2, .5, .9, 1], 2.8))
print(json.dumps({'made by': f'scipy {scipy.__version__}, statsmodels {statsmodels.__version__}, numpy {np.__version__}', 'samples': S, 'tests': T, 'distributions': rows}, indent=None, separators=(',', ':'), ensure_ascii=False).replace('],[', '],\n[').replace('},"', '},\n"'))
