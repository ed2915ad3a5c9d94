"""Times one training step of OTT-JAX's neural dual solver.

Its own networks, L-BFGS and jitted update, with the widths, batch, optimizer and tolerance of the published settings.
Where it offers no such choice it differs: README.md says how.
"""
import timing

import jax
import optax
from flax import linen as nn
from ott.neural.methods import neuraldual
from ott.neural.networks import icnn, potentials
from ott.neural.networks.layers import conjugate


def make_potential(kind, n):
    widths = timing.hidden_widths(n)
    if kind == "mlp":
        return potentials.PotentialMLP(dim_hidden=widths, act_fn=nn.elu)
    return icnn.ICNN(dim_data=n, dim_hidden=widths, act_fn=nn.elu, pos_weights=True)


def make_optimizer():
    rate = optax.cosine_decay_schedule(timing.LEARNING_RATE, timing.SCHEDULE_STEPS, timing.FINAL_RATE_FRACTION)
    return optax.adamw(rate, *timing.BETAS, weight_decay=timing.WEIGHT_DECAY)


def main():
    p = timing.parser(__doc__.splitlines()[0])
    p.add_argument("--solver-iterations", type=int, default=10,
                   help="limit of the L-BFGS (default 10, OTT's own; published: 100)")
    args, pair = timing.load(p)

    solver = neuraldual.W2NeuralDual(
        args.n,
        neural_f=make_potential(args.potential, args.n),
        neural_g=potentials.PotentialMLP(dim_hidden=timing.hidden_widths(args.n), is_potential=False, act_fn=nn.elu),
        optimizer_f=make_optimizer(),
        optimizer_g=make_optimizer(),
        back_and_forth=False,
        amortization_loss="regression",
        conjugate_solver=conjugate.FenchelConjugateLBFGS(
            gtol=timing.GTOL, max_iter=args.solver_iterations, max_linesearch_iter=timing.LINE_SEARCH_TRIALS),
        rng=jax.random.key(args.seed),
    )

    def step(state, x, y):
        return solver.train_step_parallel(*state, {"source": x, "target": y})[:2]

    (state_f, _), measured = timing.measure(args, pair, step, (solver.state_f, solver.state_g))
    timing.report("ott-jax", args, measured, state_f.potential_gradient_fn(state_f.params),
                  ("ott-jax", "jax", "jaxlib", "jaxopt", "flax", "optax"),
                  solver_iterations_limit=args.solver_iterations)


if __name__ == "__main__":
    main()
