"""Times one training step of the published settings in plain JAX.

Potential f and residual amortizer H; per step: x0 = H(Y), batched L-BFGS from x0 to the minimiser xs of f(x) - <x, y>,
loss mean f(X) + mean(<xs, Y> - f(xs)) + mean (H(Y) - xs)^2, one AdamW step on both. The solver is written for one row
and vmapped, so its loop runs until the slowest row of the batch has stopped.
"""
from typing import NamedTuple

import timing

import jax
import jax.numpy as jnp
import optax

HISTORY = 10
ARMIJO_SLOPE = 1e-4
STEP_SHRINK = 1 / 1.5
MIN_DECREASE = 2.22e-9
PRETRAIN_BOX = 5.0
PRETRAIN_RATE = 1e-3

kernel_init = jax.nn.initializers.variance_scaling(1.0, "fan_in", "truncated_normal")


def dense_layers(key, sizes):
    keys = jax.random.split(key, len(sizes) - 1)
    return [{"w": kernel_init(k, (i, o)), "b": jnp.zeros(o)} for k, i, o in zip(keys, sizes, sizes[1:])]


def affine(layer, x):
    return x @ layer["w"] + layer["b"]


def quadratic(log_alpha, x):
    return 0.5 * jnp.exp(log_alpha) * jnp.sum(x * x, -1)


class Mlp:
    """MLP with an activation on the last scalar too, plus a learned multiple of |x|^2 / 2."""

    @staticmethod
    def init(key, n, _):
        return {"layers": dense_layers(key, (n, *timing.hidden_widths(n), 1)), "log_alpha": jnp.zeros(())}

    @staticmethod
    def prepare(params):
        return params

    @staticmethod
    def value(params, x):
        z = x
        for layer in params["layers"]:
            z = jax.nn.elu(affine(layer, z))
        return z[..., 0] + quadratic(params["log_alpha"], x)


class Icnn:
    """Input-convex network: hidden weights softplus(v) / fan_in, activation normalisation initialised from a batch."""

    @staticmethod
    def init(key, n, batch):
        sizes = (*timing.hidden_widths(n), 1)
        key, *keys = jax.random.split(key, 2 * len(sizes))
        params = {
            "x": [dense_layers(k, (n, h))[0] for k, h in zip(keys, sizes)],
            "z": [kernel_init(k, (i, o)) for k, i, o in zip(keys[len(sizes):], sizes, sizes[1:])],
            "norm": [],
            "log_alpha": jnp.zeros(()),
        }
        z = jax.nn.elu(affine(params["x"][0], batch))
        for v, own in zip(params["z"][:-1], params["x"][1:-1]):
            u = z @ Icnn.positive(v) + affine(own, batch)
            norm = {"shift": -u.mean(0), "log_scale": jnp.log(u.std(0))}
            params["norm"].append(norm)
            z = jax.nn.elu(Icnn.normalise(norm, u))
        return params

    @staticmethod
    def positive(v):
        return jax.nn.softplus(v) / v.shape[0]

    @staticmethod
    def normalise(norm, u):
        return (u + norm["shift"]) * jnp.exp(-norm["log_scale"])

    @staticmethod
    def prepare(params):
        """The positive weights, once per step rather than once per evaluation."""
        return {**params, "z": [Icnn.positive(v) for v in params["z"]]}

    @staticmethod
    def value(params, x):
        z = jax.nn.elu(affine(params["x"][0], x))
        for p, own, norm in zip(params["z"], params["x"][1:], params["norm"]):
            z = jax.nn.elu(Icnn.normalise(norm, z @ p + affine(own, x)))
        last = jax.nn.elu(z @ params["z"][-1] + affine(params["x"][-1], x))
        return last[..., 0] + quadratic(params["log_alpha"], x)


class Amortizer:
    """Residual network H(y) = y + W z(y)."""

    @staticmethod
    def init(key, n):
        return dense_layers(key, (n, *timing.hidden_widths(n), n))

    @staticmethod
    def apply(layers, y):
        z = y
        for layer in layers[:-1]:
            z = jax.nn.elu(affine(layer, z))
        return y + affine(layers[-1], z)


class Row(NamedTuple):
    """L-BFGS state of one row; the newest history entry is last, unused entries have rho = 0."""
    x: jax.Array
    value: jax.Array
    grad: jax.Array
    s: jax.Array
    y: jax.Array
    rho: jax.Array
    gamma: jax.Array
    iterations: jax.Array
    stopped: jax.Array


def direction(row):
    q, a = -row.grad, [None] * HISTORY
    for i in reversed(range(HISTORY)):
        a[i] = row.rho[i] * jnp.sum(row.s[i] * q)
        q -= a[i] * row.y[i]
    q *= row.gamma
    for i in range(HISTORY):
        q += (a[i] - row.rho[i] * jnp.sum(row.y[i] * q)) * row.s[i]
    return q


def push(history, new):
    return jnp.concatenate([history[1:], new[None]])


def conjugate(f, y, x0):
    """Minimise f(x) - <x, y> from x0 for one row: the minimiser and the iterations, at least one."""

    def objective(x):
        return f(x) - jnp.sum(x * y, -1)

    trials = STEP_SHRINK ** jnp.arange(timing.LINE_SEARCH_TRIALS)

    def iterate(row):
        p = direction(row)
        values = objective(row.x + trials[:, None] * p)
        accepted = values < row.value + ARMIJO_SLOPE * trials * jnp.sum(row.grad * p)
        found = accepted.any()
        longest = jnp.argmax(accepted)
        s = jnp.where(found, trials[longest], 0) * p
        x = row.x + s
        value = jnp.where(found, values[longest], row.value)
        grad = jax.grad(objective)(x)
        dy = grad - row.grad
        sy = jnp.sum(s * dy)
        gamma = sy / jnp.sum(dy * dy)
        sound = found & jnp.isfinite(gamma) & jnp.isfinite(x).all()
        stopped = ((jnp.max(jnp.abs(grad)) < timing.GTOL) | ~sound | (row.value - value < MIN_DECREASE)
                   | (row.iterations + 1 >= timing.SOLVER_ITERATIONS))
        return Row(jnp.where(jnp.isfinite(x).all(), x, row.x), value, grad, push(row.s, s), push(row.y, dy),
                   push(row.rho, 1 / sy), gamma, row.iterations + 1, stopped)

    value, grad = jax.value_and_grad(objective)(x0)
    none = jnp.zeros((HISTORY, x0.shape[0]))
    start = Row(x0, value, grad, none, none, jnp.zeros(HISTORY), jnp.ones(()), jnp.zeros((), jnp.int32),
                jnp.zeros((), bool))
    end = jax.lax.while_loop(lambda row: ~row.stopped, iterate, start)
    return end.x, end.iterations


def optimizer():
    rate = optax.cosine_decay_schedule(timing.LEARNING_RATE, timing.SCHEDULE_STEPS, timing.FINAL_RATE_FRACTION)
    return optax.adamw(rate, *timing.BETAS, weight_decay=timing.WEIGHT_DECAY)


def make_step(potential, adamw):
    def loss(params, x, y):
        f_params = potential.prepare(params["f"])
        x0 = Amortizer.apply(params["h"], y)
        frozen = jax.lax.stop_gradient(f_params)
        xs, iterations = jax.vmap(lambda row_y, row_x: conjugate(lambda z: potential.value(frozen, z), row_y, row_x))(
            y, jax.lax.stop_gradient(x0))
        xs = jax.lax.stop_gradient(xs)
        dual = potential.value(f_params, x).mean() + (jnp.sum(xs * y, 1) - potential.value(f_params, xs)).mean()
        return dual + jnp.mean((x0 - xs) ** 2), iterations

    @jax.jit
    def step(state, x, y):
        params, moments, _ = state
        grads, iterations = jax.grad(loss, has_aux=True)(params, x, y)
        updates, moments = adamw.update(grads, moments, params)
        return optax.apply_updates(params, updates), moments, iterations

    return step


def gradient_map(potential, params):
    prepared = potential.prepare(params)
    return jax.vmap(jax.grad(lambda x: potential.value(prepared, x)))


def pretrain(key, potential, params, n, batch, steps):
    """Adam steps on |grad f(x) - x|^2 and |H(y) - y|^2 over a box, as the published runs start."""
    adam = optax.adam(PRETRAIN_RATE)

    def loss(params, x):
        errors = (gradient_map(potential, params["f"])(x) - x, Amortizer.apply(params["h"], x) - x)
        return sum(jnp.sum(e * e, 1).mean() for e in errors)

    def one(carry, key):
        params, moments = carry
        x = jax.random.uniform(key, (batch, n), minval=-PRETRAIN_BOX, maxval=PRETRAIN_BOX)
        updates, moments = adam.update(jax.grad(loss)(params, x), moments)
        return (optax.apply_updates(params, updates), moments), None

    keys = jax.random.split(key, steps)
    (params, _), _ = jax.jit(lambda carry: jax.lax.scan(one, carry, keys))((params, adam.init(params)))
    return params


def main():
    p = timing.parser(__doc__.splitlines()[0])
    p.add_argument("--pretrain", type=int, default=1000, help="identity pretraining steps, not timed (default 1000)")
    args, pair = timing.load(p)

    potential = {"mlp": Mlp, "icnn": Icnn}[args.potential]
    key_f, key_h, key_box, key_pretrain = jax.random.split(jax.random.key(args.seed), 4)
    box = jax.random.uniform(key_box, (args.batch, args.n), minval=-PRETRAIN_BOX, maxval=PRETRAIN_BOX)
    params = {"f": potential.init(key_f, args.n, box), "h": Amortizer.init(key_h, args.n)}
    params = pretrain(key_pretrain, potential, params, args.n, args.batch, args.pretrain)

    adamw = optimizer()
    state = (params, adamw.init(params), jnp.zeros(args.batch, jnp.int32))
    (params, _, iterations), measured = timing.measure(args, pair, make_step(potential, adamw), state)
    timing.report("jax", args, measured, jax.jit(gradient_map(potential, params["f"])), ("jax", "jaxlib", "optax"),
                  pretrain=args.pretrain, solver_iterations_mean=round(float(iterations.mean()), 2),
                  solver_iterations_max=int(iterations.max()))


if __name__ == "__main__":
    main()
