/* Marching squares, and ticks. */
#include "plot/figure.h"

#include <math.h>
#include <stdbool.h>

typedef struct cell {
    double x[4], y[4], v[4]; /* corners, counted around; v relative to the level */
} cell;

static void crossing(const cell *c, int edge, double point[2])
{
    int a = edge, b = (edge + 1) % 4;
    double t = c->v[a] / (c->v[a] - c->v[b]);
    point[0] = c->x[a] + t * (c->x[b] - c->x[a]);
    point[1] = c->y[a] + t * (c->y[b] - c->y[a]);
}

/* Edges are crossed in pairs. With four crossings the centre decides which corners belong together. */
static void march(const cell *c, brn_segment_fn segment, void *user)
{
    int crossed[4], count = 0;
    for (int e = 0; e < 4; ++e)
        if ((c->v[e] < 0) != (c->v[(e + 1) % 4] < 0)) crossed[count++] = e;
    double p[4][2];
    for (int i = 0; i < count; ++i) crossing(c, crossed[i], p[i]);
    double centre = c->v[0] + c->v[1] + c->v[2] + c->v[3];
    int shift = count == 4 && (c->v[0] < 0) == (centre < 0) ? 0 : 1;
    if (count == 2) segment(user, p[0], p[1]);
    if (count == 4) {
        segment(user, p[shift], p[shift + 1]);
        segment(user, p[shift + 2], p[(shift + 3) % 4]);
    }
}

void brn_contour(const float *values, int rows, int cols, brn_box area, double level, brn_segment_fn segment,
                 void *user)
{
    double dx = (area.x1 - area.x0) / (cols - 1), dy = (area.y1 - area.y0) / (rows - 1);
    static const int corner[4][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}};
    for (int i = 0; i + 1 < rows; ++i)
        for (int j = 0; j + 1 < cols; ++j) {
            cell c;
            bool finite = true;
            for (int k = 0; k < 4; ++k) {
                int row = i + corner[k][0], col = j + corner[k][1];
                c.x[k] = area.x0 + dx * col;
                c.y[k] = area.y0 + dy * row;
                c.v[k] = values[(size_t)row * (size_t)cols + (size_t)col] - level;
                finite = finite && isfinite(c.v[k]);
            }
            if (finite) march(&c, segment, user);
        }
}

int brn_ticks(double low, double high, int most, double *first, double *step)
{
    static const double mantissas[] = {1, 2, 5, 10};
    double rough = (high - low) / most, power = pow(10, floor(log10(rough)));
    int count = most + 1;
    for (int i = 0; i < 4 && count > most; ++i) {
        *step = mantissas[i] * power;
        *first = ceil(low / *step - 1e-9) * *step;
        count = (int)floor((high - *first) / *step + 1e-9) + 1;
    }
    return count;
}
